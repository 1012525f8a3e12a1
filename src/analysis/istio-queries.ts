import type { MetricTarget } from './metric-provider.ts';
import { COUNTS, oneOf, part, SCRAPED, SCRAPED_POD } from './promql.ts';

// PromQL over Istio's standard metrics: one query per metric kind for all canaries, told apart in memory.

const WORKLOAD = 'destination_workload_namespace, destination_workload';

/**
 * A client's proxy that could not deliver: no healthy endpoint, connection failed, overflow, no cluster. Nothing else:
 * what did reach the canary is counted by the canary's own proxy, and must not be counted twice.
 */
const UNDELIVERED = '(UH|UF|UO|NC)(,URX)?';

/** More than the targets (every namespace with every workload): what was not asked for is dropped in memory. */
const workloads = (targets: readonly MetricTarget[]): string => {
  const namespaces = oneOf(targets.map(({ key }) => key.split('/')[0] ?? ''));
  const names = oneOf(targets.map(({ workload }) => workload));
  return `destination_workload_namespace=~"${namespaces}", destination_workload=~"${names}"`;
};

/** Raw request counters by pod and response code, and when they were scraped: a value's own stamp is query time. */
export const requestsQuery = (targets: readonly MetricTarget[]): string => {
  const selected = workloads(targets);
  const delivered = `istio_requests_total{reporter="destination", ${selected}}`;
  const undelivered = `istio_requests_total{reporter="source", response_flags=~"${UNDELIVERED}", ${selected}}`;
  const counts = `sum by (reporter, response_code, ${WORKLOAD}, ${SCRAPED_POD}) (${delivered} or ${undelivered})`;
  const scraped = `max by (reporter, ${WORKLOAD}) (timestamp(${delivered}) or timestamp(${undelivered}))`;
  return [part(COUNTS, counts, 'destination_workload'), part(SCRAPED, scraped, 'destination_workload')].join(
    ' or ',
  );
};

/** Raw latency histogram by pod. */
export const latencyQuery = (targets: readonly MetricTarget[]): string =>
  `sum by (le, ${WORKLOAD}, ${SCRAPED_POD}) (istio_request_duration_milliseconds_bucket{reporter="destination", ${workloads(targets)}})`;
