import { groupBy } from '../core/group-by.ts';
import type { ObjectKey } from '../core/objects.ts';
import type { EvidenceReading } from '../core/snapshot.ts';
import { GATEWAY } from './gateway-samples.ts';
import { createPost, type Post } from './http-post.ts';
import { ISTIO } from './istio-samples.ts';
import type { MetricProvider, MetricTarget } from './metric-provider.ts';
import { NO_SAMPLES } from './metric-reasons.ts';
import { type Answer, decodeAnswer, type Series } from './prometheus-answer.ts';
import type { QuerySet } from './query-set.ts';
import { readSamples, unavailable } from './samples.ts';

/** 40,000 series, which a thousand canaries make, are about 10 MiB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** The one line that the provider logs; pino's `log.warn` fits. */
export interface MetricLog {
  warn(fields: { reason: string; detail: string }, message: string): void;
}

export interface PrometheusOptions {
  /** Base address, e.g. `http://prometheus.monitoring:9090`; user and password in it are sent, and never logged. */
  url: string;
  /** Milliseconds for each query, answer included. */
  timeoutMs: number;
  log: MetricLog;
  /** How queries are sent; by default over kept-alive connections of its own. */
  post?: Post;
  /** Called for each query, for metrics. */
  onQuery?: (outcome: 'answered' | 'failed') => void;
}

interface Endpoint {
  url: URL;
  headers: Record<string, string>;
}

const endpointOf = (base: string): Endpoint => {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/query`;
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  };
  if (url.username !== '' || url.password !== '') {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
    url.username = '';
    url.password = '';
  }
  return { url, headers };
};

const NOTHING: Answer = { ok: true, series: [] };

type Readings = Map<ObjectKey, EvidenceReading>;

/** Every target's reading from the answers to the two queries. */
const readAll = (
  { subjectOf, subjectsOf, dialect }: QuerySet,
  targets: readonly MetricTarget[],
  { requests, latency }: { requests: Answer; latency: Answer },
): Readings => {
  // Once for all, so that each canary's series are found without a search.
  const bySubject = (answer: Answer) => groupBy(answer.ok ? answer.series : [], subjectOf);
  const [counts, buckets] = [bySubject(requests), bySubject(latency)];
  const read = (target: MetricTarget): EvidenceReading => {
    if (!requests.ok) return unavailable(requests);
    if (!latency.ok && target.latency !== 'off') return unavailable(latency);
    const of = (found: Map<string, Series[]>): Series[] =>
      subjectsOf(target).flatMap((subject) => found.get(subject) ?? []);
    return readSamples(target, { requests: of(counts), latency: of(buckets) }, dialect);
  };
  return new Map(targets.map((target) => [target.key, read(target)]));
};

/** A gateway may be Istio's too: its proxies are asked only about what the mesh knows nothing of. */
const withGateways = (mesh: Readings, gateways: Readings): Readings =>
  new Map(
    [...mesh].map(([key, reading]) => {
      const isAbsent = reading.kind === 'empty' && reading.reason === NO_SAMPLES;
      return [key, (isAbsent ? gateways.get(key) : undefined) ?? reading];
    }),
  );

/** Reads the counters of Istio and of gateways from a Prometheus-compatible server. Throws only for a `url` that is none. */
export const createPrometheusProvider = (options: PrometheusOptions): MetricProvider => {
  const { url, headers } = endpointOf(options.url);
  const post = options.post ?? createPost({ timeoutMs: options.timeoutMs, maxBytes: MAX_ANSWER_BYTES });
  const ask = async (query: string, signal: AbortSignal): Promise<Answer> => {
    const body = new URLSearchParams({ query }).toString();
    const answer = decodeAnswer(await post(url, { headers, body, signal }));
    options.onQuery?.(answer.ok ? 'answered' : 'failed');
    if (!answer.ok) options.log.warn({ reason: answer.reason, detail: answer.message }, 'metrics not read');
    return answer;
  };
  const readBy = async (set: QuerySet, targets: readonly MetricTarget[], signal: AbortSignal) => {
    if (targets.length === 0) return new Map<ObjectKey, EvidenceReading>();
    const timed = targets.filter(({ latency }) => latency !== 'off');
    const [requests, latency] = await Promise.all([
      ask(set.requestsQuery(targets), signal),
      timed.length > 0 ? ask(set.latencyQuery(timed), signal) : NOTHING,
    ]);
    return readAll(set, targets, { requests, latency });
  };
  return {
    read: async (targets, signal) => {
      const routed = targets.filter(({ canaryServices }) => canaryServices.length > 0);
      const [mesh, gateways] = await Promise.all([
        readBy(ISTIO, targets, signal),
        readBy(GATEWAY, routed, signal),
      ]);
      return withGateways(mesh, gateways);
    },
  };
};
