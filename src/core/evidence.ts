import { advanceFastPath, atVerdict, newFastPath } from './e-process.ts';
import type { Timestamp } from './objects.ts';
import type { Counts, Evidence, FastPath, PodCounters, Settings } from './run.ts';
import { toleratedErrors, toleratedSlow } from './tolerance.ts';

// Evidence is counts, not rates: what each pod's counters grew by since the run's first weight, summed.

/** What `foldEvidence` reads of a scrape. */
export interface Scrape {
  /** When it was scraped, not when it was asked for. */
  at: Timestamp;
  pods: readonly PodCounters[];
}

type Limits = Pick<Settings, 'successRate' | 'latency'>;

const NOTHING: Counts = { requests: 0, errors: 0, timed: 0, slow: 0 };

/** A pod's name has no slash, so a client's counters never meet those of a canary's pod of the same name. */
const CLIENT_PREFIX = 'client/';

/** Name of the counters in which a client's proxy keeps the requests it could not deliver to the canary. */
export const clientCounters = (pod: string): string => `${CLIENT_PREFIX}${pod}`;

const isClient = (counters: PodCounters): boolean => counters.pod.startsWith(CLIENT_PREFIX);

const PROXY_PREFIX = 'proxy/';

/** Name of the counters that a gateway's proxy keeps of everything it sent to the canary's Service. */
export const proxyCounters = (proxy: string): string => `${PROXY_PREFIX}${proxy}`;

const isProxy = (counters: PodCounters): boolean => counters.pod.startsWith(PROXY_PREFIX);

export const newEvidence = (since: Timestamp): Evidence => ({
  since,
  pods: [],
  total: NOTHING,
  judged: NOTHING,
  fastErrors: newFastPath(),
  fastSlow: newFastPath(),
});

export const addCounts = (a: Counts, b: Counts): Counts => ({
  requests: a.requests + b.requests,
  errors: a.errors + b.errors,
  timed: a.timed + b.timed,
  slow: a.slow + b.slow,
});

/** What came since the last verdict. */
export const unjudged = ({ total, judged }: Evidence): Counts => ({
  requests: total.requests - judged.requests,
  errors: total.errors - judged.errors,
  timed: total.timed - judged.timed,
  slow: total.slow - judged.slow,
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

/**
 * Where a pod's counters start that was not seen before. The canary's pods are new with the run: 0, so that their
 * first scrape counts. A client's proxy is older than the run: what the first look finds there is not the run's. A
 * gateway's proxy keeps one set of counters for all revisions that were ever behind the Service: whenever it is first
 * seen, what it has counted may be of one that was superseded.
 */
const baseline = (pod: PodCounters, firstLook: boolean): PodCounters =>
  isProxy(pod) || (firstLook && isClient(pod)) ? pod : { pod: pod.pod, ...NOTHING };

const same = (a: PodCounters, b: PodCounters): boolean =>
  a.requests === b.requests && a.errors === b.errors && a.timed === b.timed && a.slow === b.slow;

const isBlank = (counters: PodCounters): boolean => same(counters, { pod: counters.pod, ...NOTHING });

/**
 * A proxy's counters that are still at zero when the evidence begins hold nothing of an earlier revision: known from
 * then on, so that their first growth counts.
 */
const withBlankProxies = (evidence: Evidence, scrape: Scrape): Evidence => {
  if (evidence.sampledAt !== undefined) return evidence;
  const known = new Set(evidence.pods.map(({ pod }) => pod));
  const blank = scrape.pods.filter((each) => isProxy(each) && isBlank(each) && !known.has(each.pod));
  return blank.length === 0 ? evidence : { ...evidence, pods: [...evidence.pods, ...blank] };
};

/** Undefined: off. */
const tolerances = ({ successRate, latency }: Limits): { errors?: number; slow?: number } => ({
  ...(successRate === 'off' ? {} : { errors: toleratedErrors(successRate) }),
  ...(latency === 'off' ? {} : { slow: toleratedSlow(latency) }),
});

const look = (state: FastPath, seen: { n: number; x: number }, tolerated: number | undefined): FastPath =>
  tolerated === undefined ? state : advanceFastPath(state, seen, tolerated);

/** The evidence after a pass or a fail: the next check judges what comes from here on. */
export const judgedUpToHere = (evidence: Evidence, limits: Limits): Evidence => {
  const { errors, slow } = tolerances(limits);
  const { total, fastErrors, fastSlow } = evidence;
  return {
    ...evidence,
    judged: total,
    fastErrors: errors === undefined ? fastErrors : atVerdict(fastErrors, errors),
    fastSlow: slow === undefined ? fastSlow : atVerdict(fastSlow, slow),
  };
};

/** Stamped no later than the evidence begins, or older than what is known (a lagging replica of the server). */
const outdated = (evidence: Evidence, at: Timestamp): boolean => {
  const scraped = Date.parse(at);
  const newest = evidence.sampledAt === undefined ? Number.NEGATIVE_INFINITY : Date.parse(evidence.sampledAt);
  return !(scraped > Date.parse(evidence.since) && scraped >= newest);
};

/**
 * The evidence with what a scrape adds: each pod's growth goes to the total and, as one look, to the fast paths.
 * Pods that vanished keep what they contributed. A scrape that adds nothing returns the very same object.
 */
export const foldEvidence = (evidence: Evidence, scrape: Scrape, limits: Limits): Evidence => {
  if (outdated(evidence, scrape.at)) return withBlankProxies(evidence, scrape);
  const pods = new Map(evidence.pods.map((pod) => [pod.pod, pod]));
  let grown = NOTHING;
  let changed = false;
  for (const counters of scrape.pods) {
    const seen = pods.get(counters.pod);
    const last = seen ?? baseline(counters, evidence.sampledAt === undefined);
    const next = step(last, counters);
    if (seen === undefined ? isBlank(next.pod) && !isProxy(counters) : same(seen, next.pod)) continue;
    pods.set(counters.pod, next.pod);
    grown = addCounts(grown, next.grown);
    changed = true;
  }
  if (!changed) return evidence;
  const tolerated = tolerances(limits);
  return {
    ...evidence,
    sampledAt: scrape.at,
    pods: [...pods.values()],
    total: addCounts(evidence.total, grown),
    fastErrors: look(evidence.fastErrors, { n: grown.requests, x: grown.errors }, tolerated.errors),
    fastSlow: look(evidence.fastSlow, { n: grown.timed, x: grown.slow }, tolerated.slow),
  };
};
