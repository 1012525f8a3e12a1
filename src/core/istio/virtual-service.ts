import { z } from 'zod';
import { PRIMARY } from '../marks.ts';
import type { JsonObject, KubeObject } from '../objects.ts';
import { formatSplits, originOf, type Splits, withSplitAnnotations } from '../split-annotation.ts';
import {
  collapseList,
  type Dialect,
  listOrigins,
  originsOf,
  type Remembered,
  type SplitList,
  splitList,
} from '../split-list.ts';
import type { Side } from '../traffic-split.ts';
import { namesService } from './hosts.ts';
import { parseSubset, subsetOf } from './subsets.ts';

// A user's VirtualService, split and given back. Only destinations to split hosts and the weights beside them change.

export type Destination = JsonObject & { host: string; subset?: string };
type WeightedDestination = JsonObject & { destination: Destination; weight?: number };
export type Route = JsonObject & {
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

/** Changes the destinations of every mirror. */
export const mapMirrors = (route: Route, change: (mirror: Destination) => Destination): Route => ({
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

const onSide = (target: Destination, side: Side): Destination => ({
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

const dialect: Dialect<WeightedDestination> = {
  // An only destination takes everything, whatever it states; among several, no weight means no traffic.
  weights: { unstated: 0, alone: 100, max: 2 ** 31 - 1 },
  maxLength: Number.POSITIVE_INFINITY,
  sideOf: (each) => parseSubset(each.destination.subset)?.side,
  tellsSplit: (each) => parseSubset(each.destination.subset) !== undefined,
  wholeOf: (each) => ({ ...each, destination: withoutSide(each.destination) }),
  onSide: (each, side) => ({ ...each, destination: onSide(each.destination, side) }),
};

const collapseRoute = (route: Route, remembered: Remembered): Route => {
  const unmirrored = mapMirrors(route, withoutSide);
  if (route.route === undefined) return unmirrored;
  return { ...unmirrored, route: collapseList(route.route, dialect, remembered) };
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

const splitMirrors = (route: Route, shareOf: ShareOf): Route =>
  mapMirrors(route, (mirror) => (shareOf(mirror) === undefined ? mirror : onSide(mirror, PRIMARY)));

/** Gives the object back exactly as the user has it, its annotations included. An unsplit one stays equal. */
export const restoreVirtualService = (object: VirtualService): VirtualService => {
  const parsed = listOrigins.safeParse(originOf(object));
  const origins = parsed.success ? parsed.data : {};
  const collapsed = mapRoutes(object, (route, place) => collapseRoute(route, { origins, place }));
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
  const found = new Map<string, SplitList<WeightedDestination>>();
  const changed = mapRoutes(user, (route, place) => {
    const mirrored = splitMirrors(route, shareOf);
    const split = route.route && splitList(route.route, dialect, (each) => shareOf(each.destination));
    if (split === undefined) return mirrored;
    found.set(place, split);
    return { ...mirrored, route: split.list };
  });
  const origins = originsOf(found);
  const origin = Object.keys(origins).length === 0 ? undefined : JSON.stringify(origins);
  return withSplitAnnotations(changed, { split: formatSplits(splits), origin });
};
