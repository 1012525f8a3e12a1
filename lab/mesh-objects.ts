import type { EndpointSlice, KubeObject, Pod, Service, StringMap } from '../src/core/objects.ts';

// The parts of Istio's kinds that the lab's data plane obeys. Other fields are accepted and have no effect here.

export interface StringMatch {
  exact?: string;
  prefix?: string;
  regex?: string;
}

export interface HttpMatch {
  uri?: StringMatch;
  method?: StringMatch;
  authority?: StringMatch;
  headers?: { [name: string]: StringMatch };
  withoutHeaders?: { [name: string]: StringMatch };
  queryParams?: { [name: string]: StringMatch };
  ignoreUriCase?: boolean;
  port?: number;
  gateways?: string[];
  sourceLabels?: StringMap;
  sourceNamespace?: string;
}

export interface Destination {
  host: string;
  subset?: string;
  port?: { number?: number };
}

export interface HttpRoute {
  name?: string;
  match?: HttpMatch[];
  route?: { destination: Destination; weight?: number }[];
  rewrite?: { uri?: string; authority?: string };
  /** A Go duration, e.g. `1.5s`. */
  timeout?: string;
  retries?: { attempts?: number; perTryTimeout?: string; retryOn?: string };
  mirror?: Destination;
}

export interface VirtualService extends KubeObject {
  spec: { hosts?: string[]; gateways?: string[]; http?: HttpRoute[] };
}

export interface DestinationRule extends KubeObject {
  spec: { host: string; subsets?: { name: string; labels?: StringMap }[] };
}

/** Decides where requests go; what istiod sends as routes and clusters. */
export interface RouteObjects {
  services: readonly Service[];
  virtualServices: readonly VirtualService[];
  destinationRules: readonly DestinationRule[];
}

/** Decides who answers; what istiod sends as endpoints. */
export interface EndpointObjects {
  endpointSlices: readonly EndpointSlice[];
  pods: readonly Pod[];
}

export type MeshObjects = RouteObjects & EndpointObjects;
