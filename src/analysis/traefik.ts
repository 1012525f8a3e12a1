import { proxyCounters } from '../core/evidence.ts';
import { bucketsBy, namespacesOf, requestsBy, servicesOf } from './promql.ts';
import type { QuerySet, Side } from './query-set.ts';
import { oldest, podLabel } from './samples.ts';

// Traefik's proxies, which count by service of their own: `<namespace>-<service>-<port>@<provider>`, in newer releases
// `httproute-…-svc-<namespace>-<service>-<port>@kubernetesgateway` (pkg/provider/kubernetes/gateway/httproute.go).

const NAME = 'service';

/** Traefik joins names with one dash, also where there were several. */
const joined = (...names: string[]): string => names.join('-').replace(/-{2,}/g, '-');

const services = (sides: readonly Side[]): string =>
  `{${NAME}=~"(.*-svc-)?(${namespacesOf(sides)})-(${servicesOf(sides)})-[0-9]+@kubernetes.*"}`;

const requestsQuery = (sides: readonly Side[]): string => {
  const requests = `traefik_service_requests_total${services(sides)}`;
  return requestsBy({
    counters: requests,
    by: 'code',
    subject: NAME,
    scraped: `min by (${NAME}) (timestamp(${requests}))`,
  });
};

/** What the name may be about: all of it, and what follows each `-svc-`, which may be part of a name too. */
const subjectsIn = (name: string): string[] => {
  const withoutPort = name.replace(/-\d+@kubernetes.*$/, '');
  const marks = [...withoutPort.matchAll(/-svc-/g)].map(({ index }) => index + '-svc-'.length);
  return [0, ...marks].map((from) => withoutPort.slice(from));
};

export const TRAEFIK: QuerySet = {
  counts: 'gateways',
  requestsQuery,
  latencyQuery: (sides) =>
    bucketsBy(NAME, `traefik_service_request_duration_seconds_bucket${services(sides)}`),
  subjectsIn: ({ labels }) => subjectsIn(labels[NAME] ?? ''),
  subjectsOf: (side) => side.services.map((service) => joined(side.namespace, service)),
  dialect: {
    ownerOf: (series) => proxyCounters(podLabel(series)),
    isError: ({ labels }) => (labels['code'] ?? '').startsWith('5'),
    scrapedAt: oldest,
    edgeMs: 1_000,
    absence: 'Traefik has sent it no request, or is not scraped',
  },
};
