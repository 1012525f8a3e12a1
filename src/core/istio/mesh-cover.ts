import type { Service } from '../objects.ts';
import { byAge } from './by-age.ts';
import { copiedHttp } from './copied-routes.ts';
import { appliesTo, fitsWildcard, fullHost, hostOf } from './hosts.ts';
import { isHeadless, protocolOf } from './ports.ts';
import { bindsMesh, MESH } from './route-scope.ts';
import type { Route } from './split-route.ts';
import type { VirtualService } from './virtual-service.ts';
import { visibilityOf } from './visibility.ts';

// What of a Service's mesh traffic no VirtualService of its users decides. For HTTP a sidecar obeys one: of those for
// exactly the host the oldest, else the one with the longest wildcard. For TCP it goes through the routes of all of
// them, the oldest first, until one fits.

/** A Service, and the VirtualServices of its users that may be in effect for it, of all namespaces. */
export interface MeshScope {
  service: Service;
  namespace: string;
  virtualServices: readonly VirtualService[];
}

/** The routes that one more VirtualService, for exactly the host, has to have so that nothing changes but its split. */
export interface Uncovered {
  http: Route[];
  tcp: Route[];
}

const hostsOf = ({ spec, metadata }: VirtualService): string[] =>
  (spec.hosts ?? []).map((host) => fullHost(host, metadata.namespace ?? ''));

/** Whether the object is for the fully qualified host, by a wildcard or by itself. */
export const isFor = ({ spec, metadata }: VirtualService, host: string): boolean =>
  (spec.hosts ?? []).some((each) => appliesTo(each, metadata.namespace ?? '', host));

const hasHttp = ({ spec: { http = [] } }: VirtualService): boolean => http.length > 0;
const isEverywhere = (object: VirtualService): boolean => visibilityOf(object) === 'everywhere';

const hostIn = ({ service, namespace }: MeshScope): string => hostOf(service.metadata.name, namespace);
const inMesh = ({ virtualServices }: MeshScope): VirtualService[] =>
  virtualServices.filter(bindsMesh).sort(byAge);

const exactOnes = (scope: MeshScope): VirtualService[] =>
  inMesh(scope).filter((object) => hasHttp(object) && hostsOf(object).includes(hostIn(scope)));

/** Those whose HTTP routes one for exactly the host would put out of effect, the longest wildcard first. */
export const wildcardsOver = (scope: MeshScope): VirtualService[] => {
  const host = hostIn(scope);
  const fit = (object: VirtualService): number =>
    Math.max(0, ...hostsOf(object).map((each) => (fitsWildcard(each, host) ? each.length : 0)));
  return inMesh(scope)
    .filter((object) => hasHttp(object) && fit(object) > 0)
    .sort((left, right) => fit(right) - fit(left));
};

const mayCarryHttp = ({ spec }: Service): boolean => {
  const protocols = (spec?.ports ?? []).map(protocolOf);
  return protocols.length === 0 || protocols.some((each) => each === 'http' || each === 'unknown');
};

/** Clients whom an object is not exported to reach the Service without it. */
const httpOf = (scope: MeshScope): { covered: boolean; routes: Route[] } => {
  if (!mayCarryHttp(scope.service)) return { covered: true, routes: [] };
  const exact = exactOnes(scope);
  if (exact.some(isEverywhere)) return { covered: true, routes: [] };
  const wildcard = wildcardsOver(scope).find(isEverywhere);
  if (wildcard === undefined) {
    return { covered: false, routes: [{ route: [{ destination: { host: hostIn(scope) } }] }] };
  }
  const isSplitItself = exact.length === 0 && wildcard.metadata.namespace === scope.namespace;
  return { covered: isSplitItself, routes: copiedHttp(wildcard) };
};

/** Takes every connection to the port, whoever makes it. */
const takesPort = (route: Route, port: number): boolean => {
  const { match } = route;
  if (!Array.isArray(match) || match.length === 0) return true;
  return match.some((each) => {
    const { port: on, gateways, ...others } = each as { port?: number; gateways?: string[] };
    const anyPort = on === undefined || on === port;
    return anyPort && (gateways?.includes(MESH) ?? true) && Object.keys(others).length === 0;
  });
};

const tcpOf = (scope: MeshScope): Route[] => {
  const host = hostIn(scope);
  const routes = inMesh(scope)
    .filter((object) => isFor(object, host))
    .flatMap(({ spec: { tcp = [] } }) => tcp);
  return (scope.service.spec?.ports ?? [])
    .filter((port) => ['tcp', 'unknown'].includes(protocolOf(port)))
    .filter(({ port }) => !routes.some((route) => takesPort(route, port)))
    .map(({ port }) => ({ match: [{ port }], route: [{ destination: { host, port: { number: port } } }] }));
};

/** Undefined when all is decided by the user's, and where no proxy would obey: to pods behind a headless Service. */
export const uncoveredOf = (scope: MeshScope): Uncovered | undefined => {
  if (isHeadless(scope.service)) return undefined;
  const { covered, routes: http } = httpOf(scope);
  const tcp = tcpOf(scope);
  return covered && tcp.length === 0 ? undefined : { http, tcp };
};
