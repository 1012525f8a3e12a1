import { proxyCounters } from '../core/evidence.ts';
import { latencyQuery, requestsQuery } from './gateway-queries.ts';
import type { QuerySet } from './query-set.ts';
import { oldest, podLabel } from './samples.ts';

// Envoy's own series of a gateway: each proxy counts what it sent to the canary's Service, whatever revision was behind.

export const ENVOY: QuerySet = {
  counts: 'gateways',
  requestsQuery,
  latencyQuery,
  // Neither namespaces nor Services have an underscore in their names.
  subjectsIn: ({ labels }) => [(labels['envoy_cluster_name'] ?? '').replace(/_\d+$/, '')],
  subjectsOf: ({ namespace, services }) => services.map((service) => `${namespace}_${service}`),
  dialect: {
    ownerOf: (series) => proxyCounters(podLabel(series)),
    isError: ({ labels }) => labels['envoy_response_code_class'] === '5',
    scrapedAt: oldest,
    edgeMs: 1,
    absence: "no gateway's proxy knows its Service, or none is scraped",
  },
};
