import type { MetricTarget } from './metric-provider.ts';
import { COUNTS, oneOf, part, SCRAPED, SCRAPED_POD } from './promql.ts';

// PromQL over Envoy's own metrics, as Contour has them named: one cluster per port of a Service,
// `<namespace>_<service>_<port>`.

const NAME = 'envoy_cluster_name';

/** More than the targets (every namespace with every Service): what was not asked for is dropped in memory. */
const clusters = (targets: readonly MetricTarget[]): string => {
  const namespaces = oneOf(targets.map(({ key }) => key.split('/')[0] ?? ''));
  const services = oneOf(targets.flatMap(({ canaryServices }) => canaryServices));
  return `${NAME}=~"(${namespaces})_(${services})_[0-9]+"`;
};

/**
 * Raw counters of answers by proxy and class of their code, and when they were scraped. Answers that Envoy gives itself
 * because it can't deliver are in the class 5xx.
 */
export const requestsQuery = (targets: readonly MetricTarget[]): string => {
  const answers = `envoy_cluster_upstream_rq_xx{${clusters(targets)}}`;
  // There from the start, unlike the other, which begins with the first answer: so a proxy is known at zero.
  const sent = `envoy_cluster_upstream_rq_total{${clusters(targets)}}`;
  const counts = `sum by (envoy_response_code_class, ${NAME}, ${SCRAPED_POD}) (${answers} or ${sent} * 0)`;
  // The proxy scraped longest ago: no counter is older than this says.
  const scraped = `min by (${NAME}) (timestamp(${sent}))`;
  return `${part(COUNTS, counts, NAME)} or ${part(SCRAPED, scraped, NAME)}`;
};

/** Raw latency histogram by proxy. */
export const latencyQuery = (targets: readonly MetricTarget[]): string =>
  `sum by (le, ${NAME}, ${SCRAPED_POD}) (envoy_cluster_upstream_rq_time_bucket{${clusters(targets)}})`;
