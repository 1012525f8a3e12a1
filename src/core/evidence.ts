import type { Counts, Evidence, FastPath, PodCounters, PrimaryEvidence, Trials } from './counts.ts';
import { advanceFastPath, atVerdict, newFastPath } from './e-process.ts';
import type { Timestamp } from './objects.ts';
import { addCounts, growthOf, isBlank, lessCounts, NOTHING } from './pod-growth.ts';
import { errorTrials, foldPrimary, primaryJudgedUpToHere, slowTrials } from './primary-evidence.ts';
import type { Settings } from './release-settings.ts';
import { toleratedErrors, toleratedSlow } from './tolerance.ts';

// Evidence is counts, not rates: what each pod's counters grew by since the run's first weight, summed.

/** What `foldEvidence` reads of a scrape. */
export interface Scrape {
  /** When it was scraped, not when it was asked for. */
  at: Timestamp;
  /** Name of the data plane that counted. */
  source?: string;
  pods: readonly PodCounters[];
  /** Those of the primary's pods. */
  primary?: readonly PodCounters[];
}

type Limits = Pick<Settings, 'successRate' | 'latency' | 'compare'>;

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

/** What came since the last verdict. */
export const unjudged = ({ total, judged }: { total: Counts; judged: Counts }): Counts =>
  lessCounts(total, judged);

/**
 * Where a pod's counters start that was not seen before. The canary's pods are new with the run: 0, so that their
 * first scrape counts. A client's proxy is older than the run: what the first look finds there is not the run's. A
 * gateway's proxy keeps one set of counters for all revisions that were ever behind the Service: whenever it is first
 * seen, what it has counted may be of one that was superseded.
 */
const baseline = (pod: PodCounters, firstLook: boolean): PodCounters =>
  isProxy(pod) || (firstLook && isClient(pod)) ? pod : { pod: pod.pod, ...NOTHING };

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

const look = (state: FastPath, seen: Trials, tolerated: number | undefined): FastPath =>
  tolerated === undefined ? state : advanceFastPath(state, seen, tolerated);

/** The evidence after a pass or a fail: the next check judges what comes from here on. */
export const judgedUpToHere = (evidence: Evidence, limits: Limits): Evidence => {
  const { errors, slow } = tolerances(limits);
  const { total, fastErrors, fastSlow, primary } = evidence;
  return {
    ...evidence,
    judged: total,
    fastErrors: errors === undefined ? fastErrors : atVerdict(fastErrors, errors),
    fastSlow: slow === undefined ? fastSlow : atVerdict(fastSlow, slow),
    ...(primary === undefined ? {} : { primary: primaryJudgedUpToHere(primary) }),
  };
};

/** Stamped no later than the evidence begins, or older than what is known (a lagging replica of the server). */
const outdated = (evidence: Evidence, at: Timestamp): boolean => {
  const scraped = Date.parse(at);
  const newest = evidence.sampledAt === undefined ? Number.NEGATIVE_INFINITY : Date.parse(evidence.sampledAt);
  return !(scraped > Date.parse(evidence.since) && scraped >= newest);
};

/** Undefined while there is no comparison; one that is asked for anew begins anew. */
const comparisonOf = (
  { primary }: Evidence,
  scrape: Scrape,
  { compare }: Limits,
  grown: Counts,
): PrimaryEvidence | undefined =>
  compare === 'primary' ? foldPrimary(primary, scrape.primary ?? [], grown) : undefined;

/**
 * The evidence with what a scrape adds: each pod's growth goes to the total and, as one look, to the fast paths.
 * Pods that vanished keep what they contributed. A scrape that adds nothing returns the very same object.
 */
export const foldEvidence = (evidence: Evidence, scrape: Scrape, limits: Limits): Evidence => {
  if (outdated(evidence, scrape.at)) return withBlankProxies(evidence, scrape);
  const growth = growthOf(evidence.pods, scrape.pods, {
    baseline: (counters) => baseline(counters, evidence.sampledAt === undefined),
    remembered: isProxy,
  });
  const { pods, grown } = growth ?? { pods: evidence.pods, grown: NOTHING };
  const { primary: before, ...rest } = evidence;
  const primary = comparisonOf(evidence, scrape, limits, grown);
  if (growth === undefined && primary === before) return evidence;
  const tolerated = tolerances(limits);
  return {
    ...rest,
    sampledAt: scrape.at,
    ...(scrape.source === undefined ? {} : { source: scrape.source }),
    pods,
    total: addCounts(evidence.total, grown),
    fastErrors: look(evidence.fastErrors, errorTrials(grown), tolerated.errors),
    fastSlow: look(evidence.fastSlow, slowTrials(grown), tolerated.slow),
    ...(primary === undefined ? {} : { primary }),
  };
};
