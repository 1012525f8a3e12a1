import type { ObjectKey } from '../core/objects.ts';
import type { EvidenceReading } from '../core/snapshot.ts';
import { createPost, type Post } from './http-post.ts';
import { latencyQuery, requestsQuery } from './istio-queries.ts';
import { byWorkload, readTarget, unavailable, workloadKey } from './istio-samples.ts';
import type { MetricProvider, MetricTarget } from './metric-provider.ts';
import { type Answer, decodeAnswer } from './prometheus-answer.ts';

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

/** Every target's reading from the answers to the two queries. */
const readAll = (targets: readonly MetricTarget[], requests: Answer, latency: Answer) => {
  const counts = byWorkload(requests.ok ? requests.series : []);
  const buckets = byWorkload(latency.ok ? latency.series : []);
  const read = (target: MetricTarget): EvidenceReading => {
    if (!requests.ok) return unavailable(requests);
    if (!latency.ok && target.latency !== 'off') return unavailable(latency);
    const key = workloadKey(target.key.split('/')[0] ?? '', target.workload);
    return readTarget(target, { requests: counts.get(key) ?? [], latency: buckets.get(key) ?? [] });
  };
  return new Map<ObjectKey, EvidenceReading>(targets.map((target) => [target.key, read(target)]));
};

/** Reads Istio's counters from a Prometheus-compatible server. Throws only for a `url` that is none. */
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
  return {
    read: async (targets, signal) => {
      if (targets.length === 0) return new Map();
      const timed = targets.filter(({ latency }) => latency !== 'off');
      const [requests, latency] = await Promise.all([
        ask(requestsQuery(targets), signal),
        timed.length > 0 ? ask(latencyQuery(timed), signal) : NOTHING,
      ]);
      return readAll(targets, requests, latency);
    },
  };
};
