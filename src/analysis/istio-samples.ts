import { clientCounters } from '../core/evidence.ts';
import { latencyQuery, requestsQuery } from './istio-queries.ts';
import type { Series } from './prometheus-answer.ts';
import type { QuerySet } from './query-set.ts';
import { newest, podLabel } from './samples.ts';

// Istio's series: the canary's pods count for themselves, and clients' proxies what they could not deliver.

const isClient = ({ labels }: Series): boolean => labels['reporter'] === 'source';

export const ISTIO: QuerySet = {
  counts: 'pods',
  requestsQuery,
  latencyQuery,
  subjectsIn: ({ labels }) => [
    `${labels['destination_workload_namespace'] ?? ''}/${labels['destination_workload'] ?? ''}`,
  ],
  subjectsOf: ({ namespace, workload }) => [`${namespace}/${workload}`],
  dialect: {
    ownerOf: (series) => (isClient(series) ? clientCounters(podLabel(series)) : podLabel(series)),
    isError: (series) => isClient(series) || (series.labels['response_code'] ?? '').startsWith('5'),
    // Of a client's proxy, only if nothing ever reached the canary.
    scrapedAt: (stamps) => {
      const own = stamps.filter((stamp) => !isClient(stamp));
      return newest(own.length > 0 ? own : stamps);
    },
    edgeMs: 1,
    absence: 'it has had no request, or is not scraped',
  },
};
