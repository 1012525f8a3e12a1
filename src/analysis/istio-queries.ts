import { bucketsBy, namespacesOf, requestsBy, workloadsOf } from './promql.ts';
import type { Side } from './query-set.ts';

// PromQL over Istio's standard metrics: one query per metric kind for all canaries, told apart in memory.

const WORKLOAD = 'destination_workload_namespace, destination_workload';

/**
 * A client's proxy that could not deliver: no healthy endpoint, connection failed, overflow, no cluster. Nothing else:
 * what did reach the canary is counted by the canary's own proxy, and must not be counted twice.
 */
const UNDELIVERED = '(UH|UF|UO|NC)(,URX)?';

const workloads = (sides: readonly Side[]): string =>
  `destination_workload_namespace=~"${namespacesOf(sides)}", destination_workload=~"${workloadsOf(sides)}"`;

/**
 * Raw request counters by pod and response code, and when they were scraped. Copies for a canary are among them once, as
 * the canary's own proxy counts them; clients' proxies count none, delivered or not (istio/istio#11093, #23496).
 */
export const requestsQuery = (sides: readonly Side[]): string => {
  const selected = workloads(sides);
  const delivered = `istio_requests_total{reporter="destination", ${selected}}`;
  const undelivered = `istio_requests_total{reporter="source", response_flags=~"${UNDELIVERED}", ${selected}}`;
  return requestsBy({
    counters: `${delivered} or ${undelivered}`,
    by: 'reporter, response_code',
    subject: WORKLOAD,
    scraped: `max by (reporter, ${WORKLOAD}) (timestamp(${delivered}) or timestamp(${undelivered}))`,
  });
};

/** Raw latency histogram by pod. */
export const latencyQuery = (sides: readonly Side[]): string =>
  bucketsBy(
    WORKLOAD,
    `istio_request_duration_milliseconds_bucket{reporter="destination", ${workloads(sides)}}`,
  );
