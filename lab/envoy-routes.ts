import type { JsonObject, Service } from '../src/core/objects.ts';
import { faultFields } from './envoy-faults.ts';
import { hashPolicy, loadBalancerOf } from './envoy-hash.ts';
import { authorityIn, headerFields } from './envoy-headers.ts';
import { concerns, envoyMatch, fitsEverything } from './envoy-matches.ts';
import { mirrorFields } from './envoy-mirrors.ts';
import { retryPolicy } from './envoy-retries.ts';
import { durationOf } from './envoy-values.ts';
import type { HttpMatch, HttpRoute, Redirect, RouteDestination } from './http-route.ts';
import { clusterName, fullHost, tcpPorts } from './mesh-hosts.ts';
import type { Destination, MeshClient, VirtualService } from './mesh-objects.ts';
import type { RuleInEffect } from './rule-in-effect.ts';

// One VirtualService's http list as Envoy routes, read the way istiod reads it for a sidecar that calls the host.

/** What is asked for: a host on a port, by whom, and the Services that destinations may name. */
export interface RouteScope {
  host: string;
  port: number;
  client: MeshClient;
  services: ReadonlyMap<string, Service>;
  /** The DestinationRule that this client obeys for a full host. */
  ruleFor: (host: string) => RuleInEffect | undefined;
}

/** Key of the route metadata under which the access log finds the host that was asked for. */
export const ROUTE_METADATA = 'lab.mesh';

/** The route to the Service itself, in effect where no VirtualService covers it. */
export const plainRoute = (scope: RouteScope): JsonObject => ({
  ...forwarded({ route: [{ destination: { host: scope.host } }] }, {}, { ...scope, namespace: '' }),
  name: 'default',
  match: { prefix: '/' },
});

/** The routes of a VirtualService, in its order; a request that none matches is answered 404, as in a mesh. */
export const envoyRoutes = (virtualService: VirtualService, scope: RouteScope): JsonObject[] => {
  const namespace = virtualService.metadata.namespace ?? 'default';
  const routes = (virtualService.spec.http ?? []).flatMap((http) =>
    matchesOf(http)
      .filter((match) => concerns(match, scope.client, scope.port))
      .map((match) => ({
        name: http.name ?? 'http',
        match: envoyMatch(match),
        ...outcomeOf(http, match, { ...scope, namespace }),
      })),
  );
  const last = routes.findIndex(({ match }) => fitsEverything(match));
  return last === -1 ? routes : routes.slice(0, last + 1);
};

/**
 * Whether every http route names someone to serve it. istiod drops a VirtualService with a route whose weights are
 * all 0, and the Service is routed as if there were none.
 */
export const isServable = ({ spec }: VirtualService): boolean =>
  (spec.http ?? []).every(
    ({ route = [], redirect, directResponse }) =>
      redirect !== undefined ||
      directResponse !== undefined ||
      route.length === 1 ||
      route.some(({ weight = 0 }) => weight > 0),
  );

const matchesOf = ({ match = [] }: HttpRoute): HttpMatch[] => (match.length === 0 ? [{}] : match);

/** Names in it are meant in the namespace of its VirtualService. */
interface RouteContext extends RouteScope {
  namespace: string;
}

const outcomeOf = (http: HttpRoute, match: HttpMatch, context: RouteContext): JsonObject => {
  const metadata = metadataOf(context.host);
  if (http.redirect !== undefined) {
    return { redirect: redirectOf(http.redirect), ...headerFields(http.headers), ...metadata };
  }
  if (http.directResponse !== undefined) {
    const { status, body } = http.directResponse;
    const text = body?.string === undefined ? {} : { body: { inline_string: body.string } };
    return { direct_response: { status, ...text }, ...headerFields(http.headers), ...metadata };
  }
  return forwarded(http, match, context);
};

const metadataOf = (host: string): JsonObject => ({
  metadata: { filter_metadata: { [ROUTE_METADATA]: { host } } },
});

const RESPONSE_CODES: Record<number, string> = {
  301: 'MOVED_PERMANENTLY',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
};

const redirectOf = ({ uri, authority, scheme, port, redirectCode = 301 }: Redirect): JsonObject => ({
  ...(authority === undefined ? {} : { host_redirect: authority }),
  ...(uri === undefined ? {} : { path_redirect: uri }),
  ...(scheme === undefined ? {} : { scheme_redirect: scheme }),
  ...(port === undefined ? {} : { port_redirect: port }),
  response_code: RESPONSE_CODES[redirectCode],
});

const forwarded = (http: HttpRoute, match: HttpMatch, context: RouteContext): JsonObject => {
  const { retries: allowed = true } = context.client;
  const destinations = servingOf(http);
  const hashes = hashPolicies(destinations, context);
  const pinned = hashes.length > 0 && destinations.length === 1;
  const retry_policy = allowed ? retryPolicy(http.retries, pinned) : undefined;
  const alone = destinations.length === 1 ? destinations[0]?.headers : undefined;
  return {
    route: {
      ...clusterChoice(destinations, context),
      ...rewriteOf(http, match, authorityIn(http.headers) ?? authorityIn(alone)),
      ...mirrorFields(http, (to) => clusterOf(to, context)),
      timeout: durationOf(http.timeout) ?? '0s',
      ...(hashes.length === 0 ? {} : { hash_policy: hashes }),
      ...(retry_policy === undefined ? {} : { retry_policy }),
    },
    ...headerFields(http.headers, alone),
    ...faultFields(http.fault),
    ...metadataOf(context.host),
  };
};

// A single destination takes everything whatever its weight says; among several, one without weight takes nothing.
const servingOf = ({ route = [] }: HttpRoute): RouteDestination[] =>
  route.length === 1 ? route : route.filter(({ weight = 0 }) => weight > 0);

const clusterChoice = (destinations: readonly RouteDestination[], context: RouteContext): JsonObject => {
  const [only, ...others] = destinations;
  if (only === undefined) return { cluster: 'none' };
  if (others.length === 0) return { cluster: clusterOf(only.destination, context) };
  const clusters = destinations.map(({ destination, weight = 0, headers }) => ({
    name: clusterOf(destination, context),
    weight,
    ...headerFields(headers),
    ...(authorityIn(headers) === undefined ? {} : { host_rewrite_literal: authorityIn(headers) }),
  }));
  return { weighted_clusters: { clusters } };
};

/** The cluster that a destination means, spelt as a route of `namespace` spells it. */
export const clusterOf = (
  { host, subset, port }: Destination,
  { namespace, services, port: asked }: Pick<RouteContext, 'namespace' | 'services' | 'port'>,
): string => {
  const full = fullHost(host, namespace);
  const service = services.get(full);
  const [first, ...others] = service === undefined ? [] : tcpPorts(service);
  // With several ports, and none named, it is the one that was asked for, there or not.
  const implied = first !== undefined && others.length === 0 ? first.port : asked;
  return clusterName(full, port?.number ?? implied, subset);
};

const hashPolicies = (destinations: readonly RouteDestination[], context: RouteContext): JsonObject[] =>
  destinations.flatMap(({ destination }) => {
    const [, port = '', subset, host = ''] = clusterOf(destination, context).split('|');
    const policy = hashPolicy(
      loadBalancerOf(context.ruleFor(host), Number(port), subset === '' ? undefined : subset)?.consistentHash,
    );
    return policy === undefined ? [] : [policy];
  });

const rewriteOf = ({ rewrite }: HttpRoute, { uri }: HttpMatch, authority: string | undefined): JsonObject => {
  const literal = rewrite?.authority ?? authority;
  const host = literal === undefined ? {} : { host_rewrite_literal: literal };
  const regex = rewrite?.uriRegexRewrite;
  if (regex !== undefined)
    return { ...host, regex_rewrite: { pattern: { regex: regex.match }, substitution: regex.rewrite } };
  if (rewrite?.uri === undefined) return host;
  if (uri?.regex === undefined) return { ...host, prefix_rewrite: rewrite.uri };
  return { ...host, regex_rewrite: { pattern: { regex: uri.regex }, substitution: rewrite.uri } };
};
