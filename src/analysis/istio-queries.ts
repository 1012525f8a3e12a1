import type { MetricTarget } from './metric-provider.ts';

// PromQL over Istio's standard metrics: one query per metric kind for all canaries, told apart in memory.

/** Label that tells the parts of the requests query apart. */
export const PART = 'kanari_part';
export const COUNTS = 'counts';
export const SCRAPED = 'scraped';

const WORKLOAD = 'destination_workload_namespace, destination_workload';

/** Which counters belong together: a pod has a name by one of three labels, and may be scraped by several jobs. */
const POD = `${WORKLOAD}, pod, kubernetes_pod_name, job, instance`;

/**
 * A client's proxy that could not deliver: no healthy endpoint, connection failed, overflow, no cluster. Nothing else:
 * what did reach the canary is counted by the canary's own proxy, and must not be counted twice.
 */
const UNDELIVERED = '(UH|UF|UO|NC)(,URX)?';

/** A literal inside a PromQL regular expression, itself inside a PromQL string. */
const literal = (text: string): string =>
  JSON.stringify(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).slice(1, -1);

const oneOf = (values: readonly string[]): string => [...new Set(values)].sort().map(literal).join('|');

/** More than the targets (every namespace with every workload): what was not asked for is dropped in memory. */
const workloads = (targets: readonly MetricTarget[]): string => {
  const namespaces = oneOf(targets.map(({ key }) => key.split('/')[0] ?? ''));
  const names = oneOf(targets.map(({ workload }) => workload));
  return `destination_workload_namespace=~"${namespaces}", destination_workload=~"${names}"`;
};

const part = (name: string, expression: string): string =>
  `label_replace(${expression}, "${PART}", "${name}", "destination_workload", ".*")`;

/** Raw request counters by pod and response code, and when they were scraped: a value's own stamp is query time. */
export const requestsQuery = (targets: readonly MetricTarget[]): string => {
  const selected = workloads(targets);
  const delivered = `istio_requests_total{reporter="destination", ${selected}}`;
  const undelivered = `istio_requests_total{reporter="source", response_flags=~"${UNDELIVERED}", ${selected}}`;
  const counts = `sum by (reporter, response_code, ${POD}) (${delivered} or ${undelivered})`;
  const scraped = `max by (reporter, ${WORKLOAD}) (timestamp(${delivered}) or timestamp(${undelivered}))`;
  return `${part(COUNTS, counts)} or ${part(SCRAPED, scraped)}`;
};

/** Raw latency histogram by pod. */
export const latencyQuery = (targets: readonly MetricTarget[]): string =>
  `sum by (le, ${POD}) (istio_request_duration_milliseconds_bucket{reporter="destination", ${workloads(targets)}})`;
