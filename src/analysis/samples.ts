import { figure } from '../core/figures.ts';
import { groupBy } from '../core/group-by.ts';
import type { LatencyObjective, PodCounters } from '../core/run.ts';
import type { EvidenceReading } from '../core/snapshot.ts';
import type { MetricTarget } from './metric-provider.ts';
import type { Problem } from './metric-reasons.ts';
import * as reasons from './metric-reasons.ts';
import type { Series } from './prometheus-answer.ts';
import { PART, SCRAPED } from './promql.ts';

// The series of one canary, joined into a reading, whoever counted them.

/** What the labels of one data plane's series mean. */
export interface Dialect {
  /** Whose counters it is one of: a pod's, or a proxy's. */
  ownerOf: (series: Series) => string;
  isError: (series: Series) => boolean;
  /** When the counters were scraped, in seconds, of the series that say so; there is at least one. */
  scrapedAt: (stamps: readonly Series[]) => number;
  /** Why there may be no series of the canary, in words. */
  absence: string;
}

export interface TargetSeries {
  /** The requests query's series of this canary. */
  requests: Series[];
  /** The latency query's. */
  latency: Series[];
}

const sum = (series: readonly Series[]): number => series.reduce((total, { value }) => total + value, 0);

/** The name of whoever was scraped. */
export const podLabel = ({ labels }: Series): string =>
  labels['pod'] || labels['kubernetes_pod_name'] || labels['instance'] || 'unnamed';

/** Series of each owner as one scrape job sees it. */
const byOwner = (series: readonly Series[], { ownerOf }: Dialect): Map<string, Series[][]> => {
  const owners = groupBy(series, ownerOf);
  const sources = (of: Series[]) =>
    groupBy(of, ({ labels }) => `${labels['job'] ?? ''} ${labels['instance'] ?? ''}`);
  return new Map([...owners].map(([owner, of]) => [owner, [...sources(of).values()]]));
};

/** Who is scraped by two jobs is one all the same: the job that has seen more of it counts. */
const fullest = <T>(views: T[], size: (view: T) => number): T | undefined =>
  views.reduce<T | undefined>(
    (best, view) => (best === undefined || size(view) > size(best) ? view : best),
    undefined,
  );

interface Timed {
  timed: number;
  slow: number;
  edgeMs: number;
}

const bucketEdge = ({ labels }: Series): number =>
  labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']);

/** A histogram counted at the smallest bucket edge that is not below the limit; `+Inf` holds every request. */
const countTimed = (series: Series[], limitMs: number): Timed | undefined => {
  const buckets = new Map([...groupBy(series, bucketEdge)].map(([edge, of]) => [edge, sum(of)]));
  const edgeMs = Math.min(...[...buckets.keys()].filter((edge) => edge >= limitMs));
  const timed = buckets.get(Number.POSITIVE_INFINITY);
  const within = buckets.get(edgeMs);
  if (timed === undefined || within === undefined) return undefined;
  return { timed, slow: Math.max(0, timed - within), edgeMs };
};

const countLatency = (
  series: Series[],
  objective: LatencyObjective,
  dialect: Dialect,
): Map<string, Timed> => {
  const owners = new Map<string, Timed>();
  for (const [owner, views] of byOwner(series, dialect)) {
    const counted = views
      .map((view) => countTimed(view, objective.limitMs))
      .filter((each) => each !== undefined);
    const best = fullest(counted, ({ timed }) => timed);
    if (best !== undefined) owners.set(owner, best);
  }
  return owners;
};

const joinOwners = (counts: Series[], timed: Map<string, Timed>, dialect: Dialect): PodCounters[] =>
  [...byOwner(counts, dialect)].map(([pod, views]) => {
    const best = fullest(views, sum) ?? [];
    const { timed: all, slow } = timed.get(pod) ?? { timed: 0, slow: 0 };
    return { pod, requests: sum(best), errors: sum(best.filter(dialect.isError)), timed: all, slow };
  });

const empty = (reason: string, message: string): EvidenceReading => ({ kind: 'empty', reason, message });

/** The reading of one canary from its series. */
export const readSamples = (
  target: MetricTarget,
  { requests, latency }: TargetSeries,
  dialect: Dialect,
): EvidenceReading => {
  const counts = requests.filter(({ labels }) => labels[PART] !== SCRAPED);
  const stamps = requests.filter(({ labels }) => labels[PART] === SCRAPED);
  if (counts.length === 0 || stamps.length === 0)
    return empty(reasons.NO_SAMPLES, `no samples of ${target.workload}: ${dialect.absence}`);
  const at = new Date(dialect.scrapedAt(stamps) * 1000);
  const numeric = [...requests, ...latency].every(({ value }) => Number.isFinite(value) && value >= 0);
  if (!numeric || Number.isNaN(at.getTime())) {
    return empty(reasons.NOT_NUMERIC, `samples of ${target.workload} are not numbers`);
  }
  const timed =
    target.latency === 'off' ? new Map<string, Timed>() : countLatency(latency, target.latency, dialect);
  const edgeMs = Math.max(0, ...[...timed.values()].map((each) => each.edgeMs));
  if (target.latency !== 'off' && edgeMs === Number.POSITIVE_INFINITY) {
    const limit = `${figure(target.latency.limitMs)} ms`;
    return empty(reasons.NO_BUCKET, `the latency limit ${limit} is above the histogram's largest bucket`);
  }
  return {
    kind: 'samples',
    at: at.toISOString(),
    pods: joinOwners(counts, timed, dialect),
    ...(edgeMs > 0 ? { latencyEdgeMs: edgeMs } : {}),
  };
};

export const unavailable = ({ reason, message }: Problem): EvidenceReading => ({
  kind: 'unavailable',
  reason,
  message,
});
