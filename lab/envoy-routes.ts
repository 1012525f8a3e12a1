import type { JsonObject, Service } from '../src/core/objects.ts';
import { clusterName, fullHost, tcpPorts } from './mesh-hosts.ts';
import type { Destination, HttpMatch, HttpRoute, StringMatch, VirtualService } from './mesh-objects.ts';

// One VirtualService's http list as Envoy routes, read the way istiod reads it for a sidecar that calls the host.

/** What is asked for: a host on a port, and the Services that destinations may name. */
export interface RouteScope {
  host: string;
  port: number;
  services: ReadonlyMap<string, Service>;
}

/** Key of the route metadata under which the access log finds the host that was asked for. */
export const ROUTE_METADATA = 'lab.mesh';

const RETRIES = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes';

// istiod's default: never twice to the pod that just failed, unless there is no other.
const retryPolicy = (attempts: number, extra: JsonObject = {}): JsonObject => ({
  retry_on: RETRIES,
  num_retries: attempts,
  retriable_status_codes: [503],
  retry_host_predicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
      },
    },
  ],
  host_selection_retry_max_attempts: '5',
  ...extra,
});

/** The route to the Service itself, in effect where no VirtualService covers it. */
export const plainRoute = ({ host, port }: RouteScope): JsonObject => ({
  name: 'default',
  match: { prefix: '/' },
  route: { cluster: clusterName(host, port), timeout: '0s', retry_policy: retryPolicy(2) },
  ...metadataOf(host),
});

/** The routes of a VirtualService, in its order; a request that none matches is answered 404, as in a mesh. */
export const envoyRoutes = (virtualService: VirtualService, scope: RouteScope): JsonObject[] => {
  const namespace = virtualService.metadata.namespace ?? 'default';
  return (virtualService.spec.http ?? []).flatMap((http) =>
    matchesOf(http, scope).map((match) => ({
      name: http.name ?? 'http',
      match: envoyMatch(match),
      route: envoyAction(http, match, (destination) => clusterOf(destination, namespace, scope)),
      ...metadataOf(scope.host),
    })),
  );
};

/**
 * Whether every http route names someone to serve it. istiod drops a VirtualService with a route whose weights are
 * all 0, and the Service is routed as if there were none.
 */
export const isServable = ({ spec }: VirtualService): boolean =>
  (spec.http ?? []).every(
    ({ route = [] }) => route.length === 1 || route.some(({ weight = 0 }) => weight > 0),
  );

const metadataOf = (host: string): JsonObject => ({
  metadata: { filter_metadata: { [ROUTE_METADATA]: { host } } },
});

// The lab's client has no labels of its own and is in no namespace of the mesh: matches that ask for some never fit.
const matchesOf = ({ match = [{}] }: HttpRoute, { port }: RouteScope): HttpMatch[] =>
  match.filter(
    (one) =>
      (one.gateways === undefined || one.gateways.includes('mesh')) &&
      (one.port === undefined || one.port === port) &&
      Object.keys(one.sourceLabels ?? {}).length === 0 &&
      one.sourceNamespace === undefined,
  );

const clusterOf = ({ host, subset, port }: Destination, namespace: string, scope: RouteScope): string => {
  const full = fullHost(host, namespace);
  const service = scope.services.get(full);
  const ports = (service === undefined ? [] : tcpPorts(service)).map(({ port: number }) => number);
  const implied = ports.includes(scope.port) ? scope.port : (ports[0] ?? scope.port);
  return clusterName(full, port?.number ?? implied, subset);
};

const envoyAction = (
  http: HttpRoute,
  match: HttpMatch,
  cluster: (to: Destination) => string,
): JsonObject => ({
  ...clusterChoice(http, cluster),
  ...rewriteOf(http, match),
  ...(http.mirror === undefined ? {} : { request_mirror_policies: [{ cluster: cluster(http.mirror) }] }),
  timeout: durationOf(http.timeout) ?? '0s',
  ...retriesOf(http),
});

// A single destination takes everything whatever its weight says; among several, one without weight takes nothing.
const clusterChoice = ({ route = [] }: HttpRoute, cluster: (to: Destination) => string): JsonObject => {
  const [only, ...others] = route.length === 1 ? route : route.filter(({ weight = 0 }) => weight > 0);
  if (only === undefined) return { cluster: 'none' };
  if (others.length === 0) return { cluster: cluster(only.destination) };
  const clusters = [only, ...others].map(({ destination, weight = 0 }) => ({
    name: cluster(destination),
    weight,
  }));
  return { weighted_clusters: { clusters } };
};

const retriesOf = ({ retries }: HttpRoute): JsonObject => {
  if (retries === undefined) return { retry_policy: retryPolicy(2) };
  const attempts = retries.attempts ?? 2;
  if (attempts === 0) return {};
  const perTry = durationOf(retries.perTryTimeout);
  return {
    retry_policy: retryPolicy(attempts, {
      ...(retries.retryOn === undefined ? {} : { retry_on: retries.retryOn }),
      ...(perTry === undefined ? {} : { per_try_timeout: perTry }),
    }),
  };
};

const rewriteOf = ({ rewrite }: HttpRoute, { uri }: HttpMatch): JsonObject => {
  const host = rewrite?.authority === undefined ? {} : { host_rewrite_literal: rewrite.authority };
  if (rewrite?.uri === undefined) return host;
  if (uri?.regex === undefined) return { ...host, prefix_rewrite: rewrite.uri };
  return { ...host, regex_rewrite: { pattern: { regex: uri.regex }, substitution: rewrite.uri } };
};

const envoyMatch = (match: HttpMatch): JsonObject => {
  const headers = [
    ...(match.method === undefined ? [] : [headerMatch(':method', match.method)]),
    ...(match.authority === undefined ? [] : [headerMatch(':authority', match.authority)]),
    ...Object.entries(match.headers ?? {}).map(([name, value]) => headerMatch(name, value)),
    ...Object.entries(match.withoutHeaders ?? {}).map(([name, value]) => ({
      ...headerMatch(name, value),
      invert_match: true,
    })),
  ];
  const query = Object.entries(match.queryParams ?? {}).map(([name, value]) => queryMatch(name, value));
  return {
    ...pathMatch(match.uri),
    ...(match.ignoreUriCase === true ? { case_sensitive: false } : {}),
    ...(headers.length === 0 ? {} : { headers }),
    ...(query.length === 0 ? {} : { query_parameters: query }),
  };
};

const pathMatch = (uri: StringMatch | undefined): JsonObject => {
  if (uri?.exact !== undefined) return { path: uri.exact };
  if (uri?.regex !== undefined) return { safe_regex: { regex: uri.regex } };
  return { prefix: uri?.prefix ?? '/' };
};

// An empty match asks only that the header is there.
const headerMatch = (name: string, value: StringMatch): JsonObject => {
  const match = stringMatch(value);
  return match === undefined ? { name, present_match: true } : { name, string_match: match };
};

const queryMatch = (name: string, value: StringMatch): JsonObject => {
  const match = stringMatch(value);
  return match === undefined ? { name, present_match: true } : { name, string_match: match };
};

const stringMatch = ({ exact, prefix, regex }: StringMatch): JsonObject | undefined => {
  if (exact !== undefined) return { exact };
  if (prefix !== undefined && prefix !== '') return { prefix };
  return regex === undefined ? undefined : { safe_regex: { regex } };
};

const UNIT_SECONDS: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 0.001, us: 0.000_001 };

/** A Go duration (`1m30s`, `500ms`) as Envoy's JSON wants it, in seconds. */
const durationOf = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const parts = [...text.matchAll(/([\d.]+)(ms|us|h|m|s)/g)];
  const seconds = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit ?? ''] ?? 0),
    0,
  );
  return `${Number(seconds.toFixed(6))}s`;
};
