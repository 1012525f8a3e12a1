import { proxyCounters } from '../core/evidence.ts';
import type { Series } from './prometheus-answer.ts';
import { bucketsBy, namespacesOf, requestsBy, servicesOf } from './promql.ts';
import type { QuerySet, Side } from './query-set.ts';
import { oldest, podLabel } from './samples.ts';

// ingress-nginx, which counts by the Service of the Ingress (internal/ingress/metric/collectors/socket.go). Where
// Prometheus keeps `namespace` and `service` for what it scraped, those of the metric are `exported_…`.

const SUBJECT = 'namespace, service, exported_namespace, exported_service';

const either = (metric: string, sides: readonly Side[]): [string, string] => {
  const selected = (prefix: string): string =>
    `${metric}{${prefix}namespace=~"${namespacesOf(sides)}", ${prefix}service=~"${servicesOf(sides)}"}`;
  return [selected('exported_'), selected('')];
};

const requestsQuery = (sides: readonly Side[]): string => {
  const [exported, own] = either('nginx_ingress_controller_requests', sides);
  return requestsBy({
    counters: `${exported} or ${own}`,
    by: 'status',
    subject: SUBJECT,
    scraped: `min by (${SUBJECT}) (timestamp(${exported}) or timestamp(${own}))`,
  });
};

const subjectOf = ({ labels }: Series): string =>
  labels['exported_service'] === undefined
    ? `${labels['namespace'] ?? ''}/${labels['service'] ?? ''}`
    : `${labels['exported_namespace'] ?? ''}/${labels['exported_service']}`;

export const NGINX: QuerySet = {
  counts: 'gateways',
  requestsQuery,
  latencyQuery: (sides) =>
    bucketsBy(
      SUBJECT,
      either('nginx_ingress_controller_request_duration_seconds_bucket', sides).join(' or '),
    ),
  subjectsIn: (series) => [subjectOf(series)],
  subjectsOf: ({ namespace, services }) => services.map((service) => `${namespace}/${service}`),
  dialect: {
    ownerOf: (series) => proxyCounters(podLabel(series)),
    // A code, or its class: `5xx`.
    isError: ({ labels }) => (labels['status'] ?? '').startsWith('5'),
    scrapedAt: oldest,
    edgeMs: 1_000,
    absence: 'ingress-nginx has sent it no request, or is not scraped',
  },
};
