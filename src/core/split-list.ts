import { z } from 'zod';
import { groupBy } from './group-by.ts';
import { CANARY, PRIMARY } from './marks.ts';
import { jsonKey, sameJson } from './same-json.ts';
import { divideWeights, joinWeights, type Portion, type Side, type WeightRules } from './traffic-split.ts';

// One list of weighted destinations, split and given back, however its API names the two halves.

/** How an API writes destinations of type T. */
export interface Dialect<T extends { weight?: number }> {
  weights: WeightRules;
  /** The most destinations that its schema accepts in a list. */
  maxLength: number;
  /** The half that a destination may be; undefined for those that are none. */
  sideOf: (each: T) => Side | undefined;
  /** Whether nobody but Kanari writes such a destination. */
  tellsSplit: (each: T) => boolean;
  /** The user's destination that a half was made from, or the destination itself. */
  wholeOf: (each: T) => T;
  onSide: (each: T, side: Side) => T;
}

const statedWeights = z.array(z.number().nullable());
const destination = z.looseObject({});
const listOrigin = z.object({
  /** Weights, null where none is stated: as the user has them, and as they were split. */
  before: statedWeights,
  after: statedWeights,
  /** By index, destinations of which the halves tell something else than what the user has. */
  untold: z.record(z.string(), z.object({ told: destination, user: destination })).optional(),
});
type ListOrigin = z.infer<typeof listOrigin>;

/** What exact restoration needs, by the list's place in its object. */
export const listOrigins = z.record(z.string(), listOrigin);
export type ListOrigins = z.infer<typeof listOrigins>;

const statedIn = (list: readonly { weight?: number }[]): (number | null)[] =>
  list.map(({ weight }) => weight ?? null);

const withWeight = <T extends { weight?: number }>(each: T, weight: number | undefined): T => {
  const weighted = { ...each };
  delete weighted.weight;
  return weight === undefined ? weighted : { ...weighted, weight };
};

interface Joined<T> {
  user: T;
  portion: Portion;
}

/**
 * Finds the halves that belong together, each by one look-up: a list may have thousands. A half alone, left by
 * someone's edit, becomes the whole.
 */
const joinHalves = <T extends { weight?: number }>(
  list: readonly T[],
  { sideOf, wholeOf }: Dialect<T>,
): Joined<T>[] => {
  const users = list.map((each) => withWeight(wholeOf(each), undefined));
  const keys = users.map(jsonKey);
  const waiting = groupBy(list.keys(), (index) => `${sideOf(list[index] as T) ?? ''} ${keys[index] ?? ''}`);
  const taken = new Set<number>();
  const partnerOf = (side: Side, index: number): T | undefined => {
    const others = waiting.get(`${side === PRIMARY ? CANARY : PRIMARY} ${keys[index] ?? ''}`) ?? [];
    let other = others.shift();
    while (other !== undefined && taken.has(other)) other = others.shift();
    if (other !== undefined) taken.add(other);
    return other === undefined ? undefined : list[other];
  };
  return list.flatMap((half, index) => {
    if (taken.has(index)) return [];
    taken.add(index);
    const side = sideOf(half);
    const partner = side && partnerOf(side, index);
    return [{ user: users[index] ?? half, portion: portionOf(half, side, partner) }];
  });
};

const portionOf = (
  half: { weight?: number },
  side: Side | undefined,
  partner: { weight?: number } | undefined,
): Portion => {
  if (partner === undefined) return { kind: 'whole', weight: half.weight };
  const [primary, canary] = side === PRIMARY ? [half, partner] : [partner, half];
  return { kind: 'divided', primary: primary.weight ?? 0, canary: canary.weight ?? 0 };
};

/** Of what is remembered, what fits the list; an edit of the split object may have moved it to another place. */
const originFor = (
  list: readonly { weight?: number }[],
  wholes: number,
  { origins, place }: Remembered,
): ListOrigin | undefined => {
  const stated = JSON.stringify(statedIn(list));
  return [origins[place], ...Object.values(origins)].find(
    (each) => each?.before.length === wholes && JSON.stringify(each.after) === stated,
  );
};

export interface Remembered {
  origins: ListOrigins;
  /** The list's. */
  place: string;
}

/** The user's list. One that carries no trace of a split is the user's own, perhaps newer than any origin. */
export const collapseList = <T extends { weight?: number }>(
  list: readonly T[],
  dialect: Dialect<T>,
  remembered: Remembered,
): T[] => {
  if (!list.some(dialect.tellsSplit)) return [...list];
  const joined = joinHalves(list, dialect);
  const origin = originFor(list, joined.length, remembered);
  const guessed = () =>
    joinWeights(
      joined.map(({ portion }) => portion),
      dialect.weights,
    );
  const before = origin?.before.map((weight) => weight ?? undefined) ?? guessed();
  const exact = (user: T, index: number): T => {
    const untold = origin?.untold?.[index];
    return untold !== undefined && sameJson(untold.told, user) ? (untold.user as T) : user;
  };
  return joined.map(({ user }, index) => withWeight(exact(user, index), before[index]));
};

const divide = <T extends { weight?: number }>(
  each: T,
  portion: Portion | undefined,
  { onSide }: Dialect<T>,
): T[] =>
  portion?.kind === 'divided'
    ? [
        { ...onSide(each, PRIMARY), weight: portion.primary },
        { ...onSide(each, CANARY), weight: portion.canary },
      ]
    : [withWeight(each, portion?.weight)];

export interface SplitList<T> {
  list: T[];
  origin: ListOrigin;
  /** Whether the list alone tells what it was. */
  isTold: boolean;
}

/** In one spelling, whatever order the API server gives keys in. */
const untoldIn = <T extends { weight?: number }>(
  list: readonly T[],
  guessed: readonly T[],
): ListOrigin['untold'] => {
  const pairs = list.map((each, index) => ({
    told: withWeight(guessed[index] ?? each, undefined),
    user: withWeight(each, undefined),
  }));
  const untold = pairs.flatMap((pair, index) => (sameJson(pair.told, pair.user) ? [] : [[index, pair]]));
  return untold.length === 0
    ? undefined
    : (JSON.parse(jsonKey(Object.fromEntries(untold))) as ListOrigin['untold']);
};

/** Most objects need to remember nothing. One that does remembers every list, so that none takes another's origin. */
export const originsOf = (split: ReadonlyMap<string, SplitList<unknown>>): ListOrigins =>
  [...split.values()].every(({ isTold }) => isTold)
    ? {}
    : Object.fromEntries([...split].map(([place, { origin }]) => [place, origin]));

/**
 * Divides every destination of the user's list that has a share for the canary (percent, integer, 0–100). Undefined
 * when there is nothing to divide, or no room for the halves: the list stays the user's.
 */
export const splitList = <T extends { weight?: number }>(
  list: readonly T[],
  dialect: Dialect<T>,
  shareOf: (each: T) => number | undefined,
): SplitList<T> | undefined => {
  const portions = divideWeights(
    list.map(({ weight }) => weight),
    list.map(shareOf),
    dialect.weights,
  );
  if (portions.every(({ kind }) => kind === 'whole')) return undefined;
  const halves = list.flatMap((each, index) => divide(each, portions[index], dialect));
  if (halves.length > dialect.maxLength) return undefined;
  const guessed = collapseList(halves, dialect, { origins: {}, place: '' });
  const untold = untoldIn(list, guessed);
  const origin = {
    before: statedIn(list),
    after: statedIn(halves),
    ...(untold === undefined ? {} : { untold }),
  };
  return { list: halves, origin, isTold: sameJson(guessed, list) };
};
