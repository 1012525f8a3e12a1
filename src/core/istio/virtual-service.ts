import { z } from 'zod';
import { CANARY, PRIMARY } from '../marks.ts';
import type { JsonObject, KubeObject } from '../objects.ts';
import { sameJson } from '../same-json.ts';
import { divideWeights, joinWeights, type Portion, type Weight } from '../traffic-split.ts';
import { namesService } from './hosts.ts';
import { formatSplits, originOf, type Splits, withSplitAnnotations } from './split-annotation.ts';
import { parseSubset, type SubsetSide, subsetOf } from './subsets.ts';

// A user's VirtualService, split and given back. Only destinations to split hosts and the weights beside them change.

export type Destination = JsonObject & { host: string; subset?: string };
type WeightedDestination = JsonObject & { destination: Destination; weight?: number };
type Route = JsonObject & {
  route?: WeightedDestination[];
  mirror?: Destination;
  mirrors?: (JsonObject & { destination: Destination })[];
};

export interface VirtualService extends KubeObject {
  spec: JsonObject & {
    hosts?: string[];
    gateways?: string[];
    http?: Route[];
    tcp?: Route[];
    tls?: Route[];
  };
}

const destination = z.looseObject({ host: z.string(), subset: z.string().optional() });
const routes = z.array(
  z.looseObject({
    route: z.array(z.looseObject({ destination, weight: z.int().optional() })).optional(),
    mirror: destination.optional(),
    mirrors: z.array(z.looseObject({ destination })).optional(),
  }),
);
const shape = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.looseObject({
    hosts: z.array(z.string()).optional(),
    gateways: z.array(z.string()).optional(),
    http: routes.optional(),
    tcp: routes.optional(),
    tls: routes.optional(),
  }),
});

/** Admission comes before the API server's own validation: what has another shape is for it to refuse. */
export const isVirtualService = (object: KubeObject): object is VirtualService =>
  object.kind === 'VirtualService' && shape.safeParse(object).success;

/** Weights of one route, null where none is stated: as the user has them, and as they were split. */
interface RouteOrigin {
  before: (number | null)[];
  after: (number | null)[];
}
const weights = z.array(z.number().nullable());
const origins = z.record(z.string(), z.object({ before: weights, after: weights }));

const PROTOCOLS = ['http', 'tcp', 'tls'] as const;

/** Changes every route; its path, e.g. `http/0`, tells it apart. */
const mapRoutes = (object: VirtualService, change: (route: Route, path: string) => Route): VirtualService => {
  const spec = { ...object.spec };
  for (const protocol of PROTOCOLS) {
    const list = spec[protocol];
    if (list !== undefined)
      spec[protocol] = list.map((route, index) => change(route, `${protocol}/${index}`));
  }
  return { ...object, spec };
};

const mapMirrors = (route: Route, change: (mirror: Destination) => Destination): Route => ({
  ...route,
  ...(route.mirror === undefined ? {} : { mirror: change(route.mirror) }),
  ...(route.mirrors === undefined
    ? {}
    : { mirrors: route.mirrors.map((each) => ({ ...each, destination: change(each.destination) })) }),
});

/** Every destination of the object, mirrors included. */
export const destinationsOf = (object: VirtualService): Destination[] =>
  PROTOCOLS.flatMap((protocol) => object.spec[protocol] ?? []).flatMap((route) => [
    ...(route.route ?? []).map((each) => each.destination),
    ...(route.mirror === undefined ? [] : [route.mirror]),
    ...(route.mirrors ?? []).map((each) => each.destination),
  ]);

const onSide = (target: Destination, side: SubsetSide): Destination => ({
  ...target,
  subset: subsetOf(side, target.subset),
});

/** The user's destination that a side's destination was made from. */
const withoutSide = (target: Destination): Destination => {
  const ours = parseSubset(target.subset);
  if (ours === undefined) return target;
  const user = { ...target };
  delete user.subset;
  return ours.of === undefined ? user : { ...user, subset: ours.of };
};

const withWeight = (each: WeightedDestination, weight: Weight): WeightedDestination => {
  const weighted = { ...each };
  delete weighted.weight;
  return weight === undefined ? weighted : { ...weighted, weight };
};

const statedWeights = (list: readonly WeightedDestination[]): (number | null)[] =>
  list.map((each) => each.weight ?? null);

interface Joined {
  user: WeightedDestination;
  portion: Portion;
}

/** Finds the halves that belong together. A half alone, left by someone's edit, becomes the whole. */
const joinHalves = (list: readonly WeightedDestination[]): Joined[] => {
  const taken = new Set<WeightedDestination>();
  const joined: Joined[] = [];
  for (const half of list) {
    if (taken.has(half)) continue;
    taken.add(half);
    const side = parseSubset(half.destination.subset)?.side;
    const user = { ...withWeight(half, undefined), destination: withoutSide(half.destination) };
    const partner = list.find((other) => {
      const otherSide = parseSubset(other.destination.subset)?.side;
      if (side === undefined || otherSide === undefined || otherSide === side || taken.has(other))
        return false;
      return sameJson(user, { ...withWeight(other, undefined), destination: withoutSide(other.destination) });
    });
    if (partner === undefined) {
      joined.push({ user, portion: { kind: 'whole', weight: half.weight } });
      continue;
    }
    taken.add(partner);
    const [primary, canary] = side === PRIMARY ? [half, partner] : [partner, half];
    const portion: Portion = {
      kind: 'divided',
      primary: primary.weight ?? 0,
      canary: canary.weight ?? 0,
    };
    joined.push({ user, portion });
  }
  return joined;
};

const collapseRoute = (route: Route, origin: RouteOrigin | undefined): Route => {
  const unmirrored = mapMirrors(route, withoutSide);
  const list = route.route;
  // Without a half in it the list is the user's own, perhaps newer than what the origin remembers.
  if (list === undefined || list.every((each) => parseSubset(each.destination.subset) === undefined))
    return unmirrored;
  const joined = joinHalves(list);
  const remembered = origin?.before.map((weight) => weight ?? undefined);
  const fits = remembered?.length === joined.length && sameJson(origin?.after, statedWeights(list));
  const before = fits ? remembered : joinWeights(joined.map(({ portion }) => portion));
  return { ...unmirrored, route: joined.map(({ user }, index) => withWeight(user, before[index])) };
};

type ShareOf = (target: Destination) => number | undefined;

/** The canary's share of a destination, undefined for one that nobody splits. */
const shareIn =
  (splits: Splits, namespace: string): ShareOf =>
  ({ host, subset }) =>
    Object.values(splits).find(
      ({ services, subsets }) =>
        services.some((service) => namesService(host, service, namespace)) &&
        (subset === undefined || subsets?.includes(subset) === true),
    )?.weight;

const splitRoute = (route: Route, shareOf: ShareOf): { route: Route; origin?: RouteOrigin } => {
  const mirrored = mapMirrors(route, (mirror) =>
    shareOf(mirror) === undefined ? mirror : onSide(mirror, PRIMARY),
  );
  const list = route.route;
  if (list === undefined) return { route: mirrored };
  const before = list.map((each) => each.weight);
  const portions = divideWeights(
    before,
    list.map((each) => shareOf(each.destination)),
  );
  if (portions.every(({ kind }) => kind === 'whole')) return { route: mirrored };
  const halves = list.flatMap((each, index) => divide(each, portions[index]));
  const split = { ...mirrored, route: halves };
  // What the weights alone tell needs no remembering: most objects never carry an origin.
  if (sameJson(joinWeights(portions), before)) return { route: split };
  return { route: split, origin: { before: statedWeights(list), after: statedWeights(halves) } };
};

const divide = (each: WeightedDestination, portion: Portion | undefined): WeightedDestination[] => {
  if (portion?.kind !== 'divided') return [withWeight(each, portion?.weight)];
  return [
    { ...each, destination: onSide(each.destination, PRIMARY), weight: portion.primary },
    { ...each, destination: onSide(each.destination, CANARY), weight: portion.canary },
  ];
};

/** Gives the object back exactly as the user has it, its annotations included. An unsplit one stays equal. */
export const restoreVirtualService = (object: VirtualService): VirtualService => {
  const remembered = origins.safeParse(originOf(object));
  const byPath = remembered.success ? remembered.data : {};
  const collapsed = mapRoutes(object, (route, path) => collapseRoute(route, byPath[path]));
  return withSplitAnnotations(collapsed, { split: undefined, origin: undefined });
};

/**
 * Splits every destination to a Service of `splits`, whatever split the object had before. Nothing else changes, and
 * `restoreVirtualService` undoes it exactly. Destinations that name a subset which no entry lists are left alone.
 */
export const splitVirtualService = (object: VirtualService, splits: Splits): VirtualService => {
  const user = restoreVirtualService(object);
  if (Object.keys(splits).length === 0) return user;
  const shareOf = shareIn(splits, object.metadata.namespace ?? '');
  const found: Record<string, RouteOrigin> = {};
  const split = mapRoutes(user, (route, path) => {
    const { route: changed, origin } = splitRoute(route, shareOf);
    if (origin !== undefined) found[path] = origin;
    return changed;
  });
  const origin = Object.keys(found).length === 0 ? undefined : JSON.stringify(found);
  return withSplitAnnotations(split, { split: formatSplits(splits), origin });
};
