import { z } from 'zod';
import { canaryNameOf } from '../canary-deployment.ts';
import { CANARY, PRIMARY } from '../marks.ts';
import type { JsonObject, KubeObject } from '../objects.ts';
import { formatSplits, originOf, type Splits, withSplitAnnotations } from '../split-annotation.ts';
import {
  collapseList,
  type Dialect,
  listOrigins,
  originsOf,
  type SplitList,
  splitList,
} from '../split-list.ts';

// A user's HTTPRoute or GRPCRoute, split and given back: beside each reference to a split Service there is one to the
// canary's, and the two divide its weight.

export type BackendRef = JsonObject & {
  name: string;
  group?: string;
  kind?: string;
  namespace?: string;
  weight?: number;
};
type Rule = JsonObject & { backendRefs?: BackendRef[] };

export interface GatewayRoute extends KubeObject {
  spec: JsonObject & { rules?: Rule[] };
}

const GROUP = 'gateway.networking.k8s.io/';
const KINDS = ['HTTPRoute', 'GRPCRoute'];

const backendRef = z.looseObject({
  name: z.string(),
  group: z.string().optional(),
  kind: z.string().optional(),
  namespace: z.string().optional(),
  weight: z.int().min(0).optional(),
});
const shape = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.looseObject({
    rules: z.array(z.looseObject({ backendRefs: z.array(backendRef).optional() })).optional(),
  }),
});

/** Admission comes before the API server's own validation: what has another shape is for it to refuse. */
export const isGatewayRoute = (object: KubeObject): object is GatewayRoute =>
  object.apiVersion.startsWith(GROUP) && KINDS.includes(object.kind) && shape.safeParse(object).success;

/** What a split spec can't tell: in it a reference to the canary's Service looks like any other. */
const origin = z.object({
  /** The canary's Service and the one it stands beside. */
  canaries: z.record(z.string(), z.string()),
  /** By index of the rule. */
  rules: listOrigins,
});

/** The Service whose pods are the canary's of a split Service. */
export const canaryServiceOf = (service: string, { canaryServices = {} }: Splits[string]): string =>
  (Object.hasOwn(canaryServices, service) ? canaryServices[service] : undefined) ?? canaryNameOf(service);

/** References leave neither the namespace nor the kind Service: what does is foreign, whatever its name. */
export const isLocalService = (
  { group = '', kind = 'Service', namespace }: BackendRef,
  of: KubeObject,
): boolean =>
  group === '' && kind === 'Service' && (namespace === undefined || namespace === of.metadata.namespace);

/** Every Service of the route's own namespace that a backendRef names. */
export const servicesOf = (route: GatewayRoute): string[] =>
  (route.spec.rules ?? [])
    .flatMap(({ backendRefs = [] }) => backendRefs)
    .filter((ref) => isLocalService(ref, route))
    .map(({ name }) => name);

/** Services by the canary's that stands beside each. */
type Canaries = ReadonlyMap<string, string>;

const dialectOf = (route: GatewayRoute, canaries: Canaries): Dialect<BackendRef> => {
  const services = new Map([...canaries].map(([canary, service]) => [service, canary]));
  const isCanary = (ref: BackendRef): boolean => isLocalService(ref, route) && canaries.has(ref.name);
  return {
    weights: { unstated: 1, alone: undefined, max: 1_000_000 },
    maxLength: 16,
    sideOf: (ref) => {
      if (isCanary(ref)) return CANARY;
      return isLocalService(ref, route) && services.has(ref.name) ? PRIMARY : undefined;
    },
    tellsSplit: isCanary,
    wholeOf: (ref) => (isCanary(ref) ? { ...ref, name: canaries.get(ref.name) ?? ref.name } : ref),
    onSide: (ref, side) => (side === PRIMARY ? ref : { ...ref, name: services.get(ref.name) ?? ref.name }),
  };
};

/** Changes the references of every rule that has some. */
const mapRules = (
  route: GatewayRoute,
  change: (refs: BackendRef[], place: string) => BackendRef[],
): GatewayRoute => {
  const { rules } = route.spec;
  if (rules === undefined) return route;
  const changed = rules.map((rule, index) =>
    rule.backendRefs === undefined ? rule : { ...rule, backendRefs: change(rule.backendRefs, String(index)) },
  );
  return { ...route, spec: { ...route.spec, rules: changed } };
};

/** Gives the route back exactly as the user has it, its annotations included. An unsplit one stays equal. */
export const restoreGatewayRoute = (route: GatewayRoute): GatewayRoute => {
  const remembered = origin.safeParse(originOf(route));
  const unmarked = withSplitAnnotations(route, { split: undefined, origin: undefined });
  if (!remembered.success) return unmarked;
  const { canaries, rules: origins } = remembered.data;
  const dialect = dialectOf(route, new Map(Object.entries(canaries)));
  return mapRules(unmarked, (refs, place) => collapseList(refs, dialect, { origins, place }));
};

/**
 * Splits every reference to a Service of `splits`, whatever split the route had before. Nothing else changes, and
 * `restoreGatewayRoute` undoes it exactly. Left whole are a rule without room for the halves, and a route whose user
 * refers to what would be the canary's Service.
 */
export const splitGatewayRoute = (route: GatewayRoute, splits: Splits): GatewayRoute => {
  const user = restoreGatewayRoute(route);
  if (Object.keys(splits).length === 0) return user;
  const entries = Object.values(splits);
  const canaries = new Map(
    entries.flatMap((entry) =>
      entry.services.map((service) => [canaryServiceOf(service, entry), service] as const),
    ),
  );
  const unsplit = withSplitAnnotations(user, { split: formatSplits(splits), origin: undefined });
  if (servicesOf(user).some((service) => canaries.has(service))) return unsplit;

  const dialect = dialectOf(user, canaries);
  const shareOf = (ref: BackendRef): number | undefined =>
    isLocalService(ref, user)
      ? entries.find(({ services }) => services.includes(ref.name))?.weight
      : undefined;
  const found = new Map<string, SplitList<BackendRef>>();
  const split = mapRules(user, (refs, place) => {
    const halves = splitList(refs, dialect, shareOf);
    if (halves !== undefined) found.set(place, halves);
    return halves?.list ?? refs;
  });
  if (found.size === 0) return unsplit;
  const remembered = { canaries: Object.fromEntries(canaries), rules: originsOf(found) };
  return withSplitAnnotations(split, { split: formatSplits(splits), origin: JSON.stringify(remembered) });
};
