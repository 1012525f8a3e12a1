import { clientCounters } from '../core/evidence.ts';
import { figure } from '../core/figures.ts';
import { groupBy } from '../core/group-by.ts';
import type { LatencyObjective, PodCounters } from '../core/run.ts';
import type { EvidenceReading } from '../core/snapshot.ts';
import { PART, SCRAPED } from './istio-queries.ts';
import type { MetricTarget } from './metric-provider.ts';
import type { Problem } from './metric-reasons.ts';
import * as reasons from './metric-reasons.ts';
import type { Series } from './prometheus-answer.ts';

// The series of one canary, joined into a reading.

/** Series by the workload they are about, so that each canary's are found without a search. */
export const byWorkload = (series: readonly Series[]): Map<string, Series[]> =>
  groupBy(series, ({ labels }) =>
    workloadKey(labels['destination_workload_namespace'] ?? '', labels['destination_workload'] ?? ''),
  );

export const workloadKey = (namespace: string, workload: string): string => `${namespace}/${workload}`;

const podName = ({ labels }: Series): string => {
  const name = labels['pod'] || labels['kubernetes_pod_name'] || labels['instance'] || 'unnamed';
  return labels['reporter'] === 'source' ? clientCounters(name) : name;
};

/** Series of each pod as one scrape job sees it. */
const byPod = (series: readonly Series[]): Map<string, Series[][]> => {
  const pods = groupBy(series, podName);
  const sources = (of: Series[]) =>
    groupBy(of, ({ labels }) => `${labels['job'] ?? ''} ${labels['instance'] ?? ''}`);
  return new Map([...pods].map(([pod, of]) => [pod, [...sources(of).values()]]));
};

/** A pod scraped by two jobs is one pod: the job that has seen more of it counts. */
const fullest = <T>(views: T[], size: (view: T) => number): T | undefined =>
  views.reduce<T | undefined>(
    (best, view) => (best === undefined || size(view) > size(best) ? view : best),
    undefined,
  );

const sum = (series: readonly Series[]): number => series.reduce((total, { value }) => total + value, 0);

interface Requests {
  requests: number;
  errors: number;
}

const countRequests = (series: Series[]): Requests => {
  const errors = series.filter(
    ({ labels }) => labels['reporter'] === 'source' || (labels['response_code'] ?? '').startsWith('5'),
  );
  return { requests: sum(series), errors: sum(errors) };
};

interface Timed {
  timed: number;
  slow: number;
  edgeMs: number;
}

const bucketEdge = ({ labels }: Series): number =>
  labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']);

/** A histogram counted at the smallest bucket edge that is not below the limit; `+Inf` holds every request. */
const countTimed = (series: Series[], limitMs: number): Timed | undefined => {
  const buckets = new Map(series.map((each) => [bucketEdge(each), each.value]));
  const edgeMs = Math.min(...[...buckets.keys()].filter((edge) => edge >= limitMs));
  const timed = buckets.get(Number.POSITIVE_INFINITY);
  const within = buckets.get(edgeMs);
  if (timed === undefined || within === undefined) return undefined;
  return { timed, slow: Math.max(0, timed - within), edgeMs };
};

const countLatency = (series: Series[], objective: LatencyObjective): Map<string, Timed> => {
  const pods = new Map<string, Timed>();
  for (const [pod, views] of byPod(series)) {
    const counted = views
      .map((view) => countTimed(view, objective.limitMs))
      .filter((each) => each !== undefined);
    const best = fullest(counted, ({ timed }) => timed);
    if (best !== undefined) pods.set(pod, best);
  }
  return pods;
};

const empty = (reason: string, message: string): EvidenceReading => ({ kind: 'empty', reason, message });

/** When the canary's own counters were scraped; a client's, if nothing ever reached the canary. */
const scrapedAt = (stamps: readonly Series[]): Date => {
  const own = stamps.filter(({ labels }) => labels['reporter'] !== 'source');
  const seconds = Math.max(...(own.length > 0 ? own : stamps).map(({ value }) => value));
  return new Date(seconds * 1000);
};

export interface TargetSeries {
  /** The requests query's series of this canary. */
  requests: Series[];
  /** The latency query's. */
  latency: Series[];
}

const joinPods = (counts: Series[], timed: Map<string, Timed>): PodCounters[] =>
  [...byPod(counts)].map(([pod, views]) => {
    const requests = fullest(views.map(countRequests), (view) => view.requests);
    const { timed: all, slow } = timed.get(pod) ?? { timed: 0, slow: 0 };
    return { pod, requests: requests?.requests ?? 0, errors: requests?.errors ?? 0, timed: all, slow };
  });

/** The reading of one canary from its series. */
export const readTarget = (target: MetricTarget, { requests, latency }: TargetSeries): EvidenceReading => {
  const counts = requests.filter(({ labels }) => labels[PART] !== SCRAPED);
  const stamps = requests.filter(({ labels }) => labels[PART] === SCRAPED);
  if (counts.length === 0 || stamps.length === 0) {
    return empty(
      reasons.NO_SAMPLES,
      `no samples of ${target.workload}: it has had no request, or is not scraped`,
    );
  }
  const at = scrapedAt(stamps);
  const numeric = [...requests, ...latency].every(({ value }) => Number.isFinite(value) && value >= 0);
  if (!numeric || Number.isNaN(at.getTime())) {
    return empty(reasons.NOT_NUMERIC, `samples of ${target.workload} are not numbers`);
  }
  const timed = target.latency === 'off' ? new Map<string, Timed>() : countLatency(latency, target.latency);
  const edgeMs = Math.max(0, ...[...timed.values()].map((each) => each.edgeMs));
  if (target.latency !== 'off' && edgeMs === Number.POSITIVE_INFINITY) {
    const limit = `${figure(target.latency.limitMs)} ms`;
    return empty(reasons.NO_BUCKET, `the latency limit ${limit} is above the histogram's largest bucket`);
  }
  return {
    kind: 'samples',
    at: at.toISOString(),
    pods: joinPods(counts, timed),
    ...(edgeMs > 0 ? { latencyEdgeMs: edgeMs } : {}),
  };
};

export const unavailable = ({ reason, message }: Problem): EvidenceReading => ({
  kind: 'unavailable',
  reason,
  message,
});
