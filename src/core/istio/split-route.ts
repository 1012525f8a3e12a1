import { affinityAtWork, setCookieOf } from '../affinity.ts';
import { PRIMARY } from '../marks.ts';
import { copiesOf } from '../mirrored.ts';
import type { JsonObject } from '../objects.ts';
import { pinnedRequests, weightsOnly } from '../pinned-requests.ts';
import type { SplitEntry, Splits } from '../split-annotation.ts';
import { collapseList, type Dialect, type Remembered, type SplitList, splitList } from '../split-list.ts';
import type { Side } from '../traffic-split.ts';
import { withoutSetCookie, withSetCookie } from './affinity-cookie.ts';
import { namesService } from './hosts.ts';
import { withCanaryMirrors, withoutCanaryMirrors } from './mirrors.ts';
import { type HttpMatch, pinnedMatches } from './pinned-matches.ts';
import { parseSubset, subsetOf } from './subsets.ts';

// One route of a user's VirtualService, split and given back.

export type Destination = JsonObject & { host: string; subset?: string };
export type WeightedDestination = JsonObject & { destination: Destination; weight?: number };
export type Route = JsonObject & {
  match?: HttpMatch[];
  route?: WeightedDestination[];
  mirror?: Destination;
  mirrors?: (JsonObject & { destination: Destination })[];
};

/** Changes the destinations of every mirror. */
export const mapMirrors = (route: Route, change: (mirror: Destination) => Destination): Route => ({
  ...route,
  ...(route.mirror === undefined ? {} : { mirror: change(route.mirror) }),
  ...(route.mirrors === undefined
    ? {}
    : { mirrors: route.mirrors.map((each) => ({ ...each, destination: change(each.destination) })) }),
});

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

const sideOf = ({ destination }: WeightedDestination): Side | undefined =>
  parseSubset(destination.subset)?.side;

const dialect: Dialect<WeightedDestination> = {
  // An only destination takes everything, whatever it states; among several, no weight means no traffic.
  weights: { unstated: 0, alone: 100, max: 2 ** 31 - 1 },
  maxLength: Number.POSITIVE_INFINITY,
  sideOf,
  tellsSplit: (each) => sideOf(each) !== undefined,
  wholeOf: (each) =>
    sideOf(each) === undefined
      ? each
      : { ...withoutSetCookie(each), destination: withoutSide(each.destination) },
  onSide: (each, side) => ({ ...each, destination: onSide(each.destination, side) }),
};

const mirrorsIn = (place: string): string => `${place}/mirrors`;

/** The user's route. */
export const collapseRoute = (route: Route, { origins, place }: Remembered): Route => {
  const unmirrored = mapMirrors(withoutCanaryMirrors(route, mirrorsIn(place) in origins), withoutSide);
  if (route.route === undefined) return unmirrored;
  return { ...unmirrored, route: collapseList(route.route, dialect, { origins, place }) };
};

type EntryOf = (target: Destination) => SplitEntry | undefined;

/** Who splits a destination; undefined: nobody. */
const entryIn =
  (splits: Splits, namespace: string): EntryOf =>
  ({ host, subset }) =>
    Object.values(splits).find(
      ({ services, subsets }) =>
        services.some((service) => namesService(host, service, namespace)) &&
        (subset === undefined || subsets?.includes(subset) === true),
    );

/** Its halves say in their answers which one they are. */
const dialectFor = (entryOf: EntryOf): Dialect<WeightedDestination> => ({
  ...dialect,
  onSide: (each, side) => {
    const half = dialect.onSide(each, side);
    const entry = entryOf(each.destination);
    const affinity = entry && affinityAtWork(entry);
    return affinity === undefined ? half : withSetCookie(half, setCookieOf(affinity, side));
  },
});

/** By place in the object. */
type SplitLists = ReadonlyMap<string, SplitList<unknown>>;

interface DividedRoute {
  route: Route;
  /** None where nothing is divided. */
  lists: SplitLists;
}

/** Remembers `mirrors: []`, which else would come back as no mirrors at all. */
const NO_MIRRORS: SplitList<unknown> = { list: [], origin: { before: [], after: [] }, isTold: false };

const divideRoute = (user: Route, place: string, entryOf: EntryOf): DividedRoute => {
  const narrowed = mapMirrors(user, (mirror) =>
    entryOf(mirror) === undefined ? mirror : onSide(mirror, PRIMARY),
  );
  const split =
    user.route &&
    splitList(user.route, dialectFor(entryOf), ({ destination }) => entryOf(destination)?.weight);
  if (split === undefined) return { route: narrowed, lists: new Map() };
  const copies = copiesOf(split.list, dialect, ({ destination }) => entryOf(destination)?.mirror);
  const mirrored = withCanaryMirrors(
    narrowed,
    copies.map(({ canary, percent }) => ({ destination: canary.destination, percent })),
  );
  const lists = new Map<string, SplitList<unknown>>([[place, split]]);
  if (copies.length > 0 && user.mirrors?.length === 0) lists.set(mirrorsIn(place), NO_MIRRORS);
  return { route: { ...mirrored, route: split.list }, lists };
};

export interface SplitContext {
  splits: Splits;
  /** The object's. */
  namespace: string;
}

/** What a route of the user's has become. */
export interface SplitRoute {
  routes: Route[];
  lists: SplitLists;
  /** What of the splits it can't carry, in words: its requests are drawn by weight alone. */
  limit: string | undefined;
}

/** Of `tcp` or `tls`: its connections can be drawn by weight, and nothing more. */
export const splitStream = (user: Route, place: string, { splits, namespace }: SplitContext): SplitRoute => {
  const { route, lists } = divideRoute(user, place, entryIn(weightsOnly(splits), namespace));
  return { routes: [route], lists, limit: undefined };
};

/** Before the user's route go those for requests that are not drawn. */
export const splitHttp = (user: Route, place: string, { splits, namespace }: SplitContext): SplitRoute => {
  const base = divideRoute(user, place, entryIn(splits, namespace));
  if (base.lists.size === 0) return { routes: [base.route], lists: base.lists, limit: undefined };
  const entryOf = entryIn(splits, namespace);
  const entries = new Set((user.route ?? []).map(({ destination }) => entryOf(destination)));
  const names = Object.keys(splits).filter((name) => entries.has(splits[name]));
  const pinned = pinnedRequests(splits, names).map((requests) => ({
    matches: pinnedMatches(user.match, requests),
    route: divideRoute(user, place, entryIn(requests.splits, namespace)).route,
  }));
  const limited = pinned.map(({ matches }) => matches).find(({ ok }) => !ok);
  if (limited?.ok === false)
    return { ...splitStream(user, place, { splits, namespace }), limit: limited.limit };
  const routes = pinned.flatMap(({ matches, route }) =>
    matches.ok && matches.match.length > 0 ? [{ ...route, match: matches.match }] : [],
  );
  return { routes: [...routes, base.route], lists: base.lists, limit: undefined };
};
