import type { StringMap } from '../src/core/objects.ts';
import type { Destination } from './mesh-objects.ts';

// An http route of a VirtualService, as far as the lab's data plane obeys it.

export interface StringMatch {
  exact?: string;
  prefix?: string;
  regex?: string;
}

export interface HttpMatch {
  name?: string;
  uri?: StringMatch;
  scheme?: StringMatch;
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

export interface HeaderChanges {
  set?: StringMap;
  add?: StringMap;
  remove?: string[];
}

export interface HeaderOperations {
  request?: HeaderChanges;
  response?: HeaderChanges;
}

export interface RouteDestination {
  destination: Destination;
  weight?: number;
  headers?: HeaderOperations;
}

/** 0 to 100, fractions too. */
export interface Percent {
  value?: number;
}

export interface Redirect {
  uri?: string;
  authority?: string;
  scheme?: string;
  port?: number;
  redirectCode?: number;
}

/** Without a percentage nothing is injected. */
export interface Fault {
  delay?: { percentage?: Percent; fixedDelay?: string };
  abort?: { percentage?: Percent; httpStatus?: number };
}

export interface Rewrite {
  uri?: string;
  authority?: string;
  uriRegexRewrite?: { match: string; rewrite: string };
}

export interface Retries {
  /** 0, and a policy that does not say: none. */
  attempts?: number;
  perTryTimeout?: string;
  /** Envoy's conditions and status codes, joined by commas. */
  retryOn?: string;
}

export interface HttpRoute {
  name?: string;
  match?: HttpMatch[];
  route?: RouteDestination[];
  redirect?: Redirect;
  directResponse?: { status: number; body?: { string?: string } };
  /** Another VirtualService whose routes stand in this one's place; its own namespace unless given. */
  delegate?: { name: string; namespace?: string };
  rewrite?: Rewrite;
  /** A Go duration, e.g. `1.5s`. */
  timeout?: string;
  retries?: Retries;
  fault?: Fault;
  mirror?: Destination;
  mirrorPercentage?: Percent;
  mirrors?: { destination: Destination; percentage?: Percent }[];
  headers?: HeaderOperations;
}
