import type { Counts, PodCounters } from './counts.ts';

// What raw counters grew by from one look to the next.

export const NOTHING: Counts = { requests: 0, errors: 0, timed: 0, slow: 0 };

export const addCounts = (a: Counts, b: Counts): Counts => ({
  requests: a.requests + b.requests,
  errors: a.errors + b.errors,
  timed: a.timed + b.timed,
  slow: a.slow + b.slow,
});

export const lessCounts = (a: Counts, b: Counts): Counts => ({
  requests: a.requests - b.requests,
  errors: a.errors - b.errors,
  timed: a.timed - b.timed,
  slow: a.slow - b.slow,
});

/** A counter of all trials and one of those that failed: they come from one process and restart together. */
interface Pair {
  all: number;
  failed: number;
}

const growth = (last: Pair, now: Pair): Pair => {
  const restarted = now.all < last.all || now.failed < last.failed;
  if (restarted) return now;
  const all = now.all - last.all;
  return { all, failed: Math.min(now.failed - last.failed, all) };
};

/** Both at zero after they were not: more often the series are missing from one answer than the process restarted. */
const known = (last: Pair, now: Pair): Pair => (now.all === 0 && now.failed === 0 ? last : now);

const requestsOf = (pod: PodCounters): Pair => ({ all: pod.requests, failed: pod.errors });
const timedOf = (pod: PodCounters): Pair => ({ all: pod.timed, failed: pod.slow });

interface PodStep {
  pod: PodCounters;
  grown: Counts;
}

const step = (last: PodCounters, now: PodCounters): PodStep => {
  const requests = known(requestsOf(last), requestsOf(now));
  const timed = known(timedOf(last), timedOf(now));
  const newRequests = growth(requestsOf(last), requests);
  const newTimed = growth(timedOf(last), timed);
  return {
    pod: {
      pod: now.pod,
      requests: requests.all,
      errors: requests.failed,
      timed: timed.all,
      slow: timed.failed,
    },
    grown: {
      requests: newRequests.all,
      errors: newRequests.failed,
      timed: newTimed.all,
      slow: newTimed.failed,
    },
  };
};

const same = (a: PodCounters, b: PodCounters): boolean =>
  a.requests === b.requests && a.errors === b.errors && a.timed === b.timed && a.slow === b.slow;

export const isBlank = (counters: PodCounters): boolean => same(counters, { pod: counters.pod, ...NOTHING });

/** What is to be done with a pod that was not seen before. */
export interface Newcomers {
  /** Where its counters start. */
  baseline: (counters: PodCounters) => PodCounters;
  /** It is remembered even when it has counted nothing. */
  remembered: (counters: PodCounters) => boolean;
}

export interface Growth {
  /** Last values by pod, those that vanished included. */
  pods: PodCounters[];
  grown: Counts;
}

/** Undefined when nothing has changed. */
export const growthOf = (
  known: readonly PodCounters[],
  scraped: readonly PodCounters[],
  { baseline, remembered }: Newcomers,
): Growth | undefined => {
  const pods = new Map(known.map((pod) => [pod.pod, pod]));
  let grown = NOTHING;
  let changed = false;
  for (const counters of scraped) {
    const seen = pods.get(counters.pod);
    const next = step(seen ?? baseline(counters), counters);
    if (seen === undefined ? isBlank(next.pod) && !remembered(counters) : same(seen, next.pod)) continue;
    pods.set(counters.pod, next.pod);
    grown = addCounts(grown, next.grown);
    changed = true;
  }
  return changed ? { pods: [...pods.values()], grown } : undefined;
};
