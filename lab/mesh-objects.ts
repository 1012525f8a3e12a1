import type { EndpointSlice, KubeObject, Pod, Service, StringMap } from '../src/core/objects.ts';
import type { HttpRoute } from './http-route.ts';

// The parts of Istio's kinds that the lab's data plane obeys. Other fields are accepted and have no effect here.

export interface Destination {
  host: string;
  subset?: string;
  port?: { number?: number };
}

/** Of a tcp or tls route: what is known of a connection before its first byte, and the name that TLS says in clear. */
export interface ConnectionMatch {
  port?: number;
  gateways?: string[];
  sourceLabels?: StringMap;
  sourceNamespace?: string;
  sniHosts?: string[];
}

export interface ConnectionRoute {
  match?: ConnectionMatch[];
  route?: { destination: Destination; weight?: number }[];
}

export interface VirtualService extends KubeObject {
  spec: {
    /** Absent on a delegate. */
    hosts?: string[];
    gateways?: string[];
    http?: HttpRoute[];
    tls?: ConnectionRoute[];
    tcp?: ConnectionRoute[];
    exportTo?: string[];
  };
}

export interface ConsistentHash {
  httpHeaderName?: string;
  httpCookie?: { name: string; path?: string; ttl?: string };
  httpQueryParameterName?: string;
  useSourceIp?: boolean;
  minimumRingSize?: number;
  ringHash?: { minimumRingSize?: number };
  maglev?: { tableSize?: number };
}

export interface LoadBalancer {
  simple?: string;
  consistentHash?: ConsistentHash;
}

export interface TrafficPolicy {
  loadBalancer?: LoadBalancer;
  portLevelSettings?: { port?: { number?: number }; loadBalancer?: LoadBalancer }[];
}

export interface Subset {
  name: string;
  labels?: StringMap;
  trafficPolicy?: TrafficPolicy;
}

export interface DestinationRule extends KubeObject {
  spec: {
    host: string;
    subsets?: Subset[];
    trafficPolicy?: TrafficPolicy;
    exportTo?: string[];
    workloadSelector?: { matchLabels?: StringMap };
  };
}

/** The workload whose proxy is configured: rules may differ by who asks. */
export interface MeshClient {
  namespace: string;
  /** Of its pods. Default none. */
  labels?: StringMap;
  /** False: nothing is ever tried twice, whatever routes and the mesh's default say. Default true. */
  retries?: boolean;
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
