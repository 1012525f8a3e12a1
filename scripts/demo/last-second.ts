import type { PhaseCounts, Tally } from '../../lab/load.ts';

export type Versions = Record<string, Tally>;

const SECOND_MS = 1_000;

/** Turns growing counts into those of the last second. */
export const createLastSecond = (counts: () => readonly PhaseCounts[], now: () => number) => {
  const looks: { at: number; total: Versions }[] = [];
  return (): Versions => {
    const look = { at: now(), total: totalOf(counts()) };
    looks.push(look);
    // The youngest look that is a second old stays: it is what is compared with.
    while ((looks[1]?.at ?? look.at) <= look.at - SECOND_MS) looks.shift();
    return difference(look.total, looks[0]?.total ?? {});
  };
};

const totalOf = (phases: readonly PhaseCounts[]): Versions => {
  const total: Versions = {};
  for (const [version, tally] of phases.flatMap(({ versions }) => Object.entries(versions))) {
    const sum = total[version] ?? { requests: 0, failures: 0 };
    total[version] = { requests: sum.requests + tally.requests, failures: sum.failures + tally.failures };
  }
  return total;
};

const difference = (now: Versions, before: Versions): Versions =>
  Object.fromEntries(
    Object.entries(now).map(([version, { requests, failures }]) => [
      version,
      {
        requests: requests - (before[version]?.requests ?? 0),
        failures: failures - (before[version]?.failures ?? 0),
      },
    ]),
  );
