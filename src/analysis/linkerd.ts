import { bucketsBy, namespacesOf, requestsBy, workloadsOf } from './promql.ts';
import type { QuerySet, Side } from './query-set.ts';
import { newest, podLabel } from './samples.ts';

// Linkerd's proxies, which count what came in for their pod (linkerd.io/2/reference/proxy-metrics). The labels
// `namespace` and `deployment` come from the scrape configuration that Linkerd documents.

const SUBJECT = 'namespace, deployment';

/** What asks the proxy itself, on its admin port, and what the kubelet asks: of neither knows the user's traffic. */
const OF_USERS = 'direction="inbound", target_port!="4191", route_name!="probe"';

const inbound = (sides: readonly Side[]): string =>
  `{${OF_USERS}, namespace=~"${namespacesOf(sides)}", deployment=~"${workloadsOf(sides)}"}`;

const requestsQuery = (sides: readonly Side[]): string => {
  const responses = `response_total${inbound(sides)}`;
  return requestsBy({
    counters: responses,
    by: 'classification, status_code',
    subject: SUBJECT,
    scraped: `max by (${SUBJECT}) (timestamp(${responses}))`,
  });
};

export const LINKERD: QuerySet = {
  counts: 'pods',
  requestsQuery,
  latencyQuery: (sides) => bucketsBy(SUBJECT, `response_latency_ms_bucket${inbound(sides)}`),
  subjectsIn: ({ labels }) => [`${labels['namespace'] ?? ''}/${labels['deployment'] ?? ''}`],
  subjectsOf: ({ namespace, workload }) => [`${namespace}/${workload}`],
  dialect: {
    ownerOf: podLabel,
    // A failure is a 5xx, a gRPC status that means one, or a response that broke off.
    isError: ({ labels }) =>
      labels['classification'] === 'failure' || (labels['status_code'] ?? '').startsWith('5'),
    scrapedAt: newest,
    edgeMs: 1,
    absence: 'it has had no request, or is not scraped',
  },
};
