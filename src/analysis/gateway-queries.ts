import { bucketsBy, namespacesOf, requestsBy, servicesOf } from './promql.ts';
import type { Side } from './query-set.ts';

// PromQL over Envoy's own metrics, as Contour has them named: one cluster per port of a Service,
// `<namespace>_<service>_<port>`.

const NAME = 'envoy_cluster_name';

const clusters = (sides: readonly Side[]): string =>
  `${NAME}=~"(${namespacesOf(sides)})_(${servicesOf(sides)})_[0-9]+"`;

/**
 * Raw counters of answers by proxy and class of their code, and when they were scraped. Answers that Envoy gives itself
 * because it can't deliver are in the class 5xx.
 */
export const requestsQuery = (sides: readonly Side[]): string => {
  const answers = `envoy_cluster_upstream_rq_xx{${clusters(sides)}}`;
  // There from the start, unlike the other, which begins with the first answer: so a proxy is known at zero.
  const sent = `envoy_cluster_upstream_rq_total{${clusters(sides)}}`;
  return requestsBy({
    counters: `${answers} or ${sent} * 0`,
    by: 'envoy_response_code_class',
    subject: NAME,
    // The proxy scraped longest ago: no counter is older than this says.
    scraped: `min by (${NAME}) (timestamp(${sent}))`,
  });
};

/** Raw latency histogram by proxy. */
export const latencyQuery = (sides: readonly Side[]): string =>
  bucketsBy(NAME, `envoy_cluster_upstream_rq_time_bucket{${clusters(sides)}}`);
