import { CANARY, PRIMARY } from './marks.ts';
import type { Dialect } from './split-list.ts';

// Copies of the primary's requests for the canary.

/** Of one destination: the canary's half of it, and the percentage of all the route's requests that it gets. */
export interface Copies<T> {
  canary: T;
  percent: number;
}

/** Proxies know no finer percentage. */
const STEPS = 10_000;

/**
 * Requests are copied by route, before one of its destinations is drawn, whatever they ask for: so the same share of
 * all of them is as good a sample as one of those that the primary gets.
 * @param list a split one
 * @param mirrorOf percent of the primary's requests
 */
export const copiesOf = <T extends { weight?: number }>(
  list: readonly T[],
  dialect: Dialect<T>,
  mirrorOf: (user: T) => number | undefined,
): Copies<T>[] => {
  const weightOf = ({ weight = dialect.weights.unstated }: T): number => weight;
  const total = list.reduce((sum, each) => sum + weightOf(each), 0);
  return list.flatMap((half) => {
    const user = dialect.wholeOf(half);
    const mirror = dialect.sideOf(half) === PRIMARY ? mirrorOf(user) : undefined;
    const percent = Math.round(((mirror ?? 0) * weightOf(half) * STEPS) / total) / STEPS;
    return percent > 0 ? [{ canary: dialect.onSide(user, CANARY), percent }] : [];
  });
};
