import { z } from 'zod';
import { canaryNameOf } from '../canary-deployment.ts';
import type { JsonObject, KubeObject } from '../objects.ts';
import { formatSplits, originOf, type Splits, withSplitAnnotations } from '../split-annotation.ts';
import { listOrigins, originsOf } from '../split-list.ts';
import type { RouteKind } from './pinned-matches.ts';
import { type BackendRef, type Rule, ruleShape } from './rule.ts';
import { collapseRule, isLocalService, type RefScope, ruleKey } from './split-rule.ts';
import { type SplitRules, splitRules } from './split-rules.ts';

// A user's HTTPRoute or GRPCRoute, split and given back: beside each reference to a split Service there is one to the
// canary's, and the two divide its weight. Where a share has more than a weight, there are also copies of requests, a
// cookie, and rules of Kanari's own.

export interface GatewayRoute extends KubeObject {
  spec: JsonObject & { rules?: Rule[] };
}

const GROUP = 'gateway.networking.k8s.io/';
const KINDS: readonly string[] = ['HTTPRoute', 'GRPCRoute'] satisfies RouteKind[];

const shape = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.looseObject({ rules: z.array(ruleShape).optional() }),
});

/** Admission comes before the API server's own validation: what has another shape is for it to refuse. */
export const isGatewayRoute = (object: KubeObject): object is GatewayRoute =>
  object.apiVersion.startsWith(GROUP) && KINDS.includes(object.kind) && shape.safeParse(object).success;

/** What a split spec can't tell: in it a reference to the canary's Service looks like any other. */
const origin = z.object({
  /** The canary's Service and the one it stands beside. */
  canaries: z.record(z.string(), z.string()),
  /** By index of the user's rule. */
  rules: listOrigins,
  /** Keys of rules that are Kanari's. */
  added: z.array(z.string()).optional(),
});

/** The Service whose pods are the canary's of a split Service. */
export const canaryServiceOf = (service: string, { canaryServices = {} }: Splits[string]): string =>
  (Object.hasOwn(canaryServices, service) ? canaryServices[service] : undefined) ?? canaryNameOf(service);

const localServices = (refs: readonly BackendRef[], { metadata }: GatewayRoute): string[] =>
  refs.filter((ref) => isLocalService(ref, metadata.namespace)).map(({ name }) => name);

/** Every Service of the route's own namespace that a backendRef names. */
export const servicesOf = (route: GatewayRoute): string[] =>
  localServices(
    (route.spec.rules ?? []).flatMap(({ backendRefs = [] }) => backendRefs),
    route,
  );

/** Every one that gets copies of requests. */
const mirrorsOf = (route: GatewayRoute): string[] =>
  localServices(
    (route.spec.rules ?? [])
      .flatMap(({ filters = [] }) => filters)
      .flatMap(({ requestMirror }) => requestMirror?.backendRef ?? []),
    route,
  );

/** Gives the route back exactly as the user has it, its annotations included. An unsplit one stays equal. */
export const restoreGatewayRoute = (route: GatewayRoute): GatewayRoute => {
  const remembered = origin.safeParse(originOf(route));
  const unmarked = withSplitAnnotations(route, { split: undefined, origin: undefined });
  const { rules } = route.spec;
  if (!remembered.success || rules === undefined) return unmarked;
  const { canaries, rules: origins, added = [] } = remembered.data;
  const scope: RefScope = {
    namespace: route.metadata.namespace,
    canaries: new Map(Object.entries(canaries)),
  };
  const users = rules
    .filter((rule) => !added.includes(ruleKey(rule)))
    .map((rule, index) => collapseRule(rule, scope, { origins, place: String(index) }));
  return { ...unmarked, spec: { ...unmarked.spec, rules: users } };
};

interface Change {
  canaries: ReadonlyMap<string, string>;
  rules: SplitRules;
}

/** What becomes of the user's rules; undefined: nothing. */
const changeOf = (user: GatewayRoute, splits: Splits): Change | undefined => {
  const { kind, metadata, spec } = user;
  const canaries = new Map(
    Object.values(splits).flatMap((entry) =>
      entry.services.map((service) => [canaryServiceOf(service, entry), service] as const),
    ),
  );
  if ([...servicesOf(user), ...mirrorsOf(user)].some((service) => canaries.has(service))) return undefined;
  const scope: RefScope = { namespace: metadata.namespace, canaries };
  const rules = splitRules(spec.rules ?? [], { kind: kind as RouteKind, scope, splits });
  return rules.lists.size === 0 ? undefined : { canaries, rules };
};

/**
 * Splits every reference to a Service of `splits`, whatever split the route had before. Nothing else changes, and
 * `restoreGatewayRoute` undoes it exactly. Left whole are a rule without room for the halves, and a route whose user
 * refers to what would be the canary's Service.
 */
export const splitGatewayRoute = (route: GatewayRoute, splits: Splits): GatewayRoute => {
  const user = restoreGatewayRoute(route);
  if (Object.keys(splits).length === 0) return user;
  const split = formatSplits(splits);
  const change = changeOf(user, splits);
  if (change === undefined) return withSplitAnnotations(user, { split, origin: undefined });
  const { rules, lists, added } = change.rules;
  const remembered = {
    canaries: Object.fromEntries(change.canaries),
    rules: originsOf(lists),
    ...(added.length === 0 ? {} : { added }),
  };
  const changed = { ...user, spec: { ...user.spec, rules } };
  return withSplitAnnotations(changed, { split, origin: JSON.stringify(remembered) });
};

/** What of the splits the route can't carry, a line each: it stands by weight alone. */
export const limitsOfGatewayRoute = (route: GatewayRoute, splits: Splits): string[] =>
  (changeOf(restoreGatewayRoute(route), splits)?.rules.limits ?? []).map(
    (limit) => `${route.kind} ${route.metadata.name}: ${limit}`,
  );
