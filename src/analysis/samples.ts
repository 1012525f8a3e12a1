import type { PodCounters } from '../core/counts.ts';
import { figure } from '../core/figures.ts';
import { groupBy } from '../core/group-by.ts';
import type { LatencyObjective } from '../core/release-settings.ts';
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
  /** Milliseconds in a unit of the histogram's edges. */
  edgeMs: number;
  /** Why there may be no series of the canary, in words. */
  absence: string;
}

/** Series of one side. */
export interface SideSeries {
  /** The requests query's. */
  requests: Series[];
  /** The latency query's. */
  latency: Series[];
}

export interface TargetSeries {
  canary: SideSeries;
  /** Where the canary is compared with it. */
  primary?: SideSeries;
}

export const newest = (stamps: readonly Series[]): number => Math.max(...stamps.map(({ value }) => value));

/** For those who count into one set of counters together: no counter is older than this says. */
export const oldest = (stamps: readonly Series[]): number => Math.min(...stamps.map(({ value }) => value));

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

/** Milliseconds. Rounded to nanoseconds, for 0.57 s are not quite 570 ms in binary. */
const bucketEdge = ({ labels }: Series, { edgeMs }: Dialect): number =>
  labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Math.round(Number(labels['le']) * edgeMs * 1e6) / 1e6;

/** A histogram counted at the smallest bucket edge that is not below the limit; `+Inf` holds every request. */
const countTimed = (series: Series[], limitMs: number, dialect: Dialect): Timed | undefined => {
  const byEdge = groupBy(series, (bucket) => bucketEdge(bucket, dialect));
  const buckets = new Map([...byEdge].map(([edge, of]) => [edge, sum(of)]));
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
      .map((view) => countTimed(view, objective.limitMs, dialect))
      .filter((each) => each !== undefined);
    const best = fullest(counted, ({ timed }) => timed);
    if (best !== undefined) owners.set(owner, best);
  }
  return owners;
};

const isStamp = ({ labels }: Series): boolean => labels[PART] === SCRAPED;

interface Counted {
  pods: PodCounters[];
  /** The largest edge that slow requests were counted at; 0 where none are timed. */
  edgeMs: number;
}

/** What each of those who count has counted of one side. */
const countSide = (
  { requests, latency }: SideSeries,
  objective: LatencyObjective | 'off',
  dialect: Dialect,
): Counted => {
  const timed = objective === 'off' ? new Map<string, Timed>() : countLatency(latency, objective, dialect);
  const counts = requests.filter((series) => !isStamp(series));
  const pods = [...byOwner(counts, dialect)].map(([pod, views]) => {
    const best = fullest(views, sum) ?? [];
    const { timed: all, slow } = timed.get(pod) ?? { timed: 0, slow: 0 };
    return { pod, requests: sum(best), errors: sum(best.filter(dialect.isError)), timed: all, slow };
  });
  return { pods, edgeMs: Math.max(0, ...[...timed.values()].map((each) => each.edgeMs)) };
};

const isNumeric = ({ requests, latency }: SideSeries): boolean =>
  [...requests, ...latency].every(({ value }) => Number.isFinite(value) && value >= 0);

const empty = (reason: string, message: string): EvidenceReading => ({ kind: 'empty', reason, message });

/** The reading of one canary from its series, and of the primary beside it. */
export const readSamples = (
  target: MetricTarget,
  { canary, primary }: TargetSeries,
  dialect: Dialect,
): EvidenceReading => {
  const stamps = canary.requests.filter(isStamp);
  if (stamps.length === 0 || stamps.length === canary.requests.length)
    return empty(reasons.NO_SAMPLES, `no samples of ${target.workload}: ${dialect.absence}`);
  const at = new Date(dialect.scrapedAt(stamps) * 1000);
  if (!isNumeric(canary) || Number.isNaN(at.getTime())) {
    return empty(reasons.NOT_NUMERIC, `samples of ${target.workload} are not numbers`);
  }
  if (primary !== undefined && !isNumeric(primary)) {
    return empty(reasons.NOT_NUMERIC, `samples of ${target.primary?.workload ?? ''} are not numbers`);
  }
  const { pods, edgeMs } = countSide(canary, target.latency, dialect);
  if (target.latency !== 'off' && edgeMs === Number.POSITIVE_INFINITY) {
    const limit = `${figure(target.latency.limitMs)} ms`;
    return empty(reasons.NO_BUCKET, `the latency limit ${limit} is above the histogram's largest bucket`);
  }
  return {
    kind: 'samples',
    at: at.toISOString(),
    pods,
    ...(primary === undefined ? {} : { primary: countSide(primary, target.latency, dialect).pods }),
    ...(edgeMs > 0 ? { latencyEdgeMs: edgeMs } : {}),
  };
};

export const unavailable = ({ reason, message }: Problem): EvidenceReading => ({
  kind: 'unavailable',
  reason,
  message,
});
