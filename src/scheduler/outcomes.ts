import type { CanaryStatus, Outcome } from '../core/run.ts';
import { sameJson } from '../core/same-json.ts';

/** Outcomes of the runs that `after` has in its history and `before` has not, newest first; nearly always one or none. */
export const newOutcomes = (before: CanaryStatus | undefined, after: CanaryStatus): Outcome[] => {
  const newest = before?.history[0];
  const known = newest === undefined ? -1 : after.history.findIndex((entry) => sameJson(entry, newest));
  const fresh = known < 0 ? after.history : after.history.slice(0, known);
  return fresh.map(({ outcome }) => outcome);
};
