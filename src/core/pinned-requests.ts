import { affinityAtWork, requestsOf } from './affinity.ts';
import { CANARY, PRIMARY } from './marks.ts';
import type { RequestMatch } from './share.ts';
import type { SplitEntry, Splits } from './split-annotation.ts';
import type { Side } from './traffic-split.ts';

// Requests whose side is not drawn by weight: those that fit an A/B match, and those of clients drawn before.

export interface PinnedRequests {
  /** The requests: of one of these lists, all matches fit. */
  anyOf: RequestMatch[][];
  /** The splits as they stand for these requests. */
  splits: Splits;
}

interface Pin {
  side: Side;
  anyOf: RequestMatch[];
}

/** Those who fit two pins belong to the first. */
const pinsOf = (entry: SplitEntry): Pin[] => {
  const affinity = affinityAtWork(entry);
  const sides = affinity === undefined ? [] : ([CANARY, PRIMARY] as const);
  return [
    ...(entry.match === undefined ? [] : [{ side: CANARY, anyOf: entry.match } as const]),
    ...sides.map((side) => ({ side, anyOf: affinity === undefined ? [] : [requestsOf(affinity, side)] })),
  ];
};

/** An entry without its share. */
const sidesOf = ({ services, subsets, canaryServices }: SplitEntry): Omit<SplitEntry, 'weight'> => ({
  services,
  ...(subsets === undefined ? {} : { subsets }),
  ...(canaryServices === undefined ? {} : { canaryServices }),
});

const pinnedTo = (side: Side, entry: SplitEntry): SplitEntry => ({
  ...sidesOf(entry),
  weight: side === CANARY ? 100 : 0,
});

/**
 * What has to be told apart on a route that is divided for these Deployments, the most particular first: with pins of
 * two, also the requests that fit both.
 */
export const pinnedRequests = (splits: Splits, names: readonly string[]): PinnedRequests[] => {
  let found: PinnedRequests[] = [{ anyOf: [[]], splits }];
  for (const name of names) {
    const entry = splits[name];
    if (entry === undefined) continue;
    found = found.flatMap((each) => [
      ...pinsOf(entry).map(({ side, anyOf }) => ({
        anyOf: each.anyOf.flatMap((all) => anyOf.map((one) => [...all, one])),
        splits: { ...each.splits, [name]: pinnedTo(side, entry) },
      })),
      each,
    ]);
  }
  return found.slice(0, -1);
};

/** What is left of splits where requests can't be told apart. */
export const weightsOnly = (splits: Splits): Splits =>
  Object.fromEntries(
    Object.entries(splits).map(([name, entry]) => [name, { ...sidesOf(entry), weight: entry.weight }]),
  );
