import type { JsonObject } from '../src/core/objects.ts';
import { type ClusterPlan, envoyAssignment, envoyCluster, planClusters } from './envoy-clusters.ts';
import { envoyListeners } from './envoy-listeners.ts';
import { envoyRoutes, isServable, plainRoute, type RouteScope } from './envoy-routes.ts';
import { hostOf, protocolOf, spellings, tcpPorts } from './mesh-hosts.ts';
import type { EndpointObjects, MeshClient, RouteObjects } from './mesh-objects.ts';
import { type MeshView, viewOf } from './mesh-view.ts';

// What istiod would send to a client's sidecar, from the same objects. Pure, and the same text for the same objects.

/** Name of the one route table: the lab's Envoy serves HTTP of every port of every Service on one listener. */
export const ROUTE_TABLE = 'mesh';

export interface EnvoyConfig {
  /** RDS: one virtual host per Service and port that speaks HTTP. */
  routes: JsonObject;
  /** LDS: one per Service and port that speaks something else. */
  listeners: JsonObject[];
  /** CDS, by cluster name. */
  clusters: ReadonlyMap<string, JsonObject>;
  /** EDS, by cluster name. */
  assignments: ReadonlyMap<string, JsonObject>;
}

/** @param endpointsPath where Envoy finds the endpoints of a cluster */
export const envoyConfig = (
  objects: { routing: RouteObjects; serving: EndpointObjects },
  client: MeshClient,
  endpointsPath: (cluster: string) => string,
): EnvoyConfig => {
  const view = viewOf(objects.routing, client);
  const plans = planClusters(objects.routing.services, view.ruleFor);
  const byName = <T>(make: (plan: ClusterPlan) => T) => new Map(plans.map((plan) => [plan.name, make(plan)]));
  return {
    routes: routeTable(view),
    listeners: envoyListeners(view),
    clusters: byName((plan) => envoyCluster(plan, endpointsPath(plan.name))),
    assignments: byName((plan) => envoyAssignment(plan, objects.serving)),
  };
};

/** Names of the clusters that routes and listeners send to. */
export const clustersNamedIn = ({
  routes,
  listeners,
}: Pick<EnvoyConfig, 'routes' | 'listeners'>): Set<string> =>
  new Set(
    [...JSON.stringify([routes, listeners]).matchAll(/"(outbound\|[^"]*)"/g)].map(([, name = '']) => name),
  );

const routeTable = (view: MeshView): JsonObject => {
  const { services, client } = view;
  const taken = new Set<string>();
  // Envoy refuses a table in which two hosts share a domain.
  const claim = (domains: string[]) =>
    domains.filter((domain) => !taken.has(domain) && taken.add(domain) !== undefined);
  const virtual_hosts = [...services.values()].flatMap((service) =>
    tcpPorts(service)
      .filter((port) => protocolOf(port) === 'http')
      .map(({ port }, index) => {
        const scope = { ...view, host: hostOf(service), port };
        return {
          name: `${scope.host}:${port}`,
          domains: claim(domainsOf(spellings(service, client.namespace), port, index === 0)),
          routes: routesOf(scope, view),
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
const domainsOf = (names: readonly string[], port: number, first: boolean): string[] =>
  names.flatMap((name) => (first ? [name, `${name}:${port}`] : [`${name}:${port}`]));

// One VirtualService rules a host: the first that has a route for this client and port.
const routesOf = (scope: RouteScope, view: MeshView): JsonObject[] => {
  for (const virtualService of view.virtualServicesFor(scope.host)) {
    const routes = isServable(virtualService) ? envoyRoutes(virtualService, scope) : [];
    if (routes.length > 0) return routes;
  }
  return [plainRoute(scope)];
};
