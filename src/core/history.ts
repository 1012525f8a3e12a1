import type { CanaryStatus, HistoryEntry } from './run.ts';
import { sameJson } from './same-json.ts';

/** Runs that `after` has in its history and `before` has not, newest first; nearly always one or none. */
export const newEntries = (before: CanaryStatus | undefined, after: CanaryStatus): HistoryEntry[] => {
  const newest = before?.history[0];
  const known = newest === undefined ? -1 : after.history.findIndex((entry) => sameJson(entry, newest));
  return known < 0 ? after.history : after.history.slice(0, known);
};
