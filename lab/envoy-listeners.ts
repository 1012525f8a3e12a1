import type { JsonObject } from '../src/core/objects.ts';
import { concerns } from './envoy-matches.ts';
import { clusterOf, type RouteScope } from './envoy-routes.ts';
import { clusterName, hostOf, protocolOf, tcpPorts } from './mesh-hosts.ts';
import type { ConnectionMatch, ConnectionRoute, VirtualService } from './mesh-objects.ts';
import type { MeshView } from './mesh-view.ts';

// Ports that do not speak HTTP: whole connections are shared out, by tcp routes, or by tls routes and the name that the
// client asks for in clear (SNI); what is encrypted stays so.

/** Name of the listener of a Service's port. */
export const listenerName = (host: string, port: number): string => `${host}_${port}`;

/** A listener per such port, each on a port of loopback that the system chooses. */
export const envoyListeners = (view: MeshView): JsonObject[] =>
  [...view.services.values()].flatMap((service) =>
    tcpPorts(service).flatMap((port) => {
      const protocol = protocolOf(port);
      if (protocol === 'http') return [];
      const scope = { ...view, host: hostOf(service), port: port.port };
      const chains = protocol === 'tls' ? tlsChains(scope, view) : tcpChains(scope, view);
      return [listener(scope, chains.length === 0 ? [plainChain(scope)] : chains, protocol === 'tls')];
    }),
  );

const listener = ({ host, port }: RouteScope, filter_chains: JsonObject[], inspect: boolean): JsonObject => ({
  '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
  name: listenerName(host, port),
  address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
  ...(inspect ? { listener_filters: [TLS_INSPECTOR] } : {}),
  filter_chains,
});

const TLS_INSPECTOR: JsonObject = {
  name: 'envoy.filters.listener.tls_inspector',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  },
};

// The first tcp route that concerns the client takes every connection: there is nothing more to tell them apart by.
const tcpChains = (scope: RouteScope, view: MeshView): JsonObject[] =>
  routesOf(scope, view, 'tcp')
    .filter(({ matches }) => matches.length > 0)
    .map(({ clusters }) => ({ filters: [tcpProxy(scope, clusters)] }))
    .slice(0, 1);

// Names that no tls route is for are refused as soon as there is one, as in a mesh.
const tlsChains = (scope: RouteScope, view: MeshView): JsonObject[] => {
  const taken = new Set<string>();
  return routesOf(scope, view, 'tls').flatMap(({ matches, clusters }) => {
    const names = matches.flatMap(({ sniHosts = [] }) => sniHosts);
    // Envoy refuses a listener with two chains for one name.
    const server_names = names.filter((name) => !taken.has(name) && taken.add(name) !== undefined);
    if (server_names.length === 0) return [];
    return [{ filter_chain_match: { server_names }, filters: [tcpProxy(scope, clusters)] }];
  });
};

interface Choice {
  matches: ConnectionMatch[];
  clusters: { name: string; weight: number }[];
}

const routesOf = (scope: RouteScope, view: MeshView, protocol: 'tcp' | 'tls'): Choice[] =>
  view
    .virtualServicesFor(scope.host)
    .flatMap((virtualService) =>
      (virtualService.spec[protocol] ?? []).map((route) => choiceOf(route, virtualService, scope)),
    )
    .filter(({ clusters }) => clusters.length > 0);

const choiceOf = (
  { match = [], route = [] }: ConnectionRoute,
  { metadata }: VirtualService,
  scope: RouteScope,
): Choice => {
  const context = { ...scope, namespace: metadata.namespace ?? 'default' };
  const serving = route.length === 1 ? route : route.filter(({ weight = 0 }) => weight > 0);
  return {
    matches: (match.length === 0 ? [{}] : match).filter((one) => concerns(one, scope.client, scope.port)),
    clusters: serving.map(({ destination, weight = 0 }) => ({
      name: clusterOf(destination, context),
      weight,
    })),
  };
};

const plainChain = (scope: RouteScope): JsonObject => ({
  filters: [tcpProxy(scope, [{ name: clusterName(scope.host, scope.port), weight: 1 }])],
});

const tcpProxy = ({ host, port }: RouteScope, clusters: Choice['clusters']): JsonObject => ({
  name: 'envoy.filters.network.tcp_proxy',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    stat_prefix: listenerName(host, port),
    ...(clusters.length === 1 ? { cluster: clusters[0]?.name } : { weighted_clusters: { clusters } }),
  },
});
