import type { JsonObject, Service } from '../src/core/objects.ts';
import { type ClusterPlan, envoyAssignment, envoyCluster, planClusters } from './envoy-clusters.ts';
import { envoyRoutes, isServable, plainRoute, type RouteScope } from './envoy-routes.ts';
import { fullHost, hostFit, hostOf, spellings, tcpPorts } from './mesh-hosts.ts';
import type { EndpointObjects, RouteObjects, VirtualService } from './mesh-objects.ts';

// What istiod would send to a client's sidecar, from the same objects. Pure, and the same text for the same objects.

/** Name of the one route table: the lab's Envoy serves every port of every Service on one listener. */
export const ROUTE_TABLE = 'mesh';

export interface EnvoyConfig {
  /** RDS: one virtual host per Service and port. */
  routes: JsonObject;
  /** CDS, by cluster name. */
  clusters: ReadonlyMap<string, JsonObject>;
  /** EDS, by cluster name. */
  assignments: ReadonlyMap<string, JsonObject>;
}

/** @param endpointsPath where Envoy finds the endpoints of a cluster */
export const envoyConfig = (
  routing: RouteObjects,
  serving: EndpointObjects,
  endpointsPath: (cluster: string) => string,
): EnvoyConfig => {
  const byAge = {
    ...routing,
    virtualServices: [...routing.virtualServices].sort(oldestFirst),
    destinationRules: [...routing.destinationRules].sort(oldestFirst),
  };
  const plans = planClusters(byAge);
  const byName = <T>(make: (plan: ClusterPlan) => T) => new Map(plans.map((plan) => [plan.name, make(plan)]));
  return {
    routes: routeTable(byAge),
    clusters: byName((plan) => envoyCluster(plan, endpointsPath(plan.name))),
    assignments: byName((plan) => envoyAssignment(plan, serving)),
  };
};

/** Names of the clusters that a route table sends requests to. */
export const clustersNamedIn = (routes: JsonObject): Set<string> =>
  new Set([...JSON.stringify(routes).matchAll(/"(outbound\|[^"]*)"/g)].map(([, name = '']) => name));

const routeTable = ({ services, virtualServices }: RouteObjects): JsonObject => {
  const byHost = new Map(services.map((service) => [hostOf(service), service]));
  const taken = new Set<string>();
  // Envoy refuses a table in which two hosts share a domain. Of two Services with one short name, the first has it.
  const claim = (domains: string[]) =>
    domains.filter((domain) => !taken.has(domain) && taken.add(domain) !== undefined);
  const virtual_hosts = services.flatMap((service) =>
    tcpPorts(service).map(({ port }, index) => {
      const scope = { host: hostOf(service), port, services: byHost };
      return {
        name: `${scope.host}:${port}`,
        domains: claim(domainsOf(service, port, index === 0)),
        routes: routesOf(scope, virtualServices),
      };
    }),
  );
  return {
    '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
    name: ROUTE_TABLE,
    virtual_hosts,
    // A route to a subset that nobody defines must answer 503, as in a mesh, and not keep the whole table out.
    validate_clusters: false,
  };
};

// Without a port in the request, the Service's first port is meant.
const domainsOf = (service: Service, port: number, first: boolean): string[] =>
  spellings(service).flatMap((name) => (first ? [name, `${name}:${port}`] : [`${name}:${port}`]));

const routesOf = (scope: RouteScope, virtualServices: readonly VirtualService[]): JsonObject[] => {
  const virtualService = virtualServiceOf(scope.host, virtualServices);
  return virtualService === undefined ? [plainRoute(scope)] : envoyRoutes(virtualService, scope);
};

// One VirtualService rules a host in the mesh: the one that names it most closely, then the oldest. Lists are by age.
const virtualServiceOf = (host: string, all: readonly VirtualService[]): VirtualService | undefined => {
  let closest: { fit: number; virtualService: VirtualService } | undefined;
  for (const virtualService of all) {
    if (!inMesh(virtualService) || !isServable(virtualService)) continue;
    const fit = fitOf(virtualService, host);
    if (fit > (closest?.fit ?? 0)) closest = { fit, virtualService };
  }
  return closest?.virtualService;
};

const inMesh = ({ spec }: VirtualService): boolean =>
  (spec.http ?? []).length > 0 && (spec.gateways === undefined || spec.gateways.includes('mesh'));

const fitOf = ({ metadata, spec }: VirtualService, host: string): number =>
  Math.max(
    0,
    ...(spec.hosts ?? []).map((name) => hostFit(fullHost(name, metadata.namespace ?? 'default'), host)),
  );

type Dated = { metadata: { creationTimestamp?: string | null; namespace?: string; name: string } };

const ageKey = ({ metadata }: Dated): string =>
  `${metadata.creationTimestamp ?? ''} ${metadata.namespace} ${metadata.name}`;

const oldestFirst = (a: Dated, b: Dated): number => (ageKey(a) < ageKey(b) ? -1 : 1);
