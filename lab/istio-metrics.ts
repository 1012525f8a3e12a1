import type { AccessLogEntry } from './access-log.ts';
import type { PodDirectory, PodIdentity } from './pod-directory.ts';
import { servedAt } from './pod-network.ts';
import type { ServedRequest } from './pod-server.ts';

// Istio's standard metrics, as the proxies on both ends of a request would count it, from the client's access log.
// A retried request counts once, for the pod that was tried last. Of a mirrored one only the pod's own proxy knows.

/** Upper edges in milliseconds, Istio's. */
export const BUCKETS_MS = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
] as const;

/** Flags of requests that no pod has seen: no healthy host, no cluster, no route, no connection. */
const UNDELIVERED = new Set(['UH', 'NC', 'NR', 'UF', 'UO']);

/** The host that Envoy gives to the copy of a request. */
const MIRRORED = /^(.+)-shadow(?::\d+)?$/;

export interface IstioMetrics {
  /** @param clientNamespace of the proxy whose log it is */
  record(entry: AccessLogEntry, clientNamespace: string): void;
  /** Counts nothing of what is no copy: that is in a client's log. */
  recordMirrored(request: ServedRequest): void;
  /** All series in Prometheus' text format. Series of a pod's own proxy go when the pod is gone. */
  text(): string;
}

interface Series {
  labels: string;
  /** Set on what the pod's own proxy reports. */
  podUid: string | undefined;
  count: number;
  sumMs: number;
  /** Requests by the first bucket they fit in; the last is +Inf. */
  perBucket: number[];
}

interface Source {
  workload: string;
  namespace: string;
}

/** Copies come without what the client's proxy says of itself. */
const UNKNOWN: Source = { workload: 'unknown', namespace: 'unknown' };

export const createIstioMetrics = (pods: PodDirectory): IstioMetrics => {
  const series = new Map<string, Series>();
  const observe = (labels: Record<string, string>, durationMs: number, podUid?: string): void => {
    const key = renderLabels(labels);
    const found = series.get(key) ?? emptySeries(key, podUid);
    series.set(key, found);
    found.count += 1;
    found.sumMs += durationMs;
    const bucket = BUCKETS_MS.findIndex((edge) => durationMs <= edge);
    const index = bucket === -1 ? BUCKETS_MS.length : bucket;
    found.perBucket[index] = (found.perBucket[index] ?? 0) + 1;
  };
  const observeAt = (pod: PodIdentity, labels: Record<string, string>, durationMs: number): void => {
    // As the PodMonitor of Istio's proxies relabels: the pod that was scraped.
    const scraped = { namespace: pod.namespace, pod: pod.pod };
    observe({ reporter: 'destination', ...labels, ...scraped }, durationMs, pod.uid);
  };
  return {
    record: (entry, clientNamespace) => {
      const pod = answeredBy(entry, pods);
      // Clients' workloads differ by namespace only.
      const labels = requestLabels(entry, pod, { workload: 'client', namespace: clientNamespace });
      observe({ reporter: 'source', ...labels }, entry.durationMs);
      if (pod !== undefined) observeAt(pod, labels, entry.durationMs);
    },
    recordMirrored: ({ podIp, host, status, durationMs }) => {
      const original = MIRRORED.exec(host)?.[1];
      const pod = pods.at(servedAt(podIp));
      if (original === undefined || pod === undefined) return;
      const [name = '', namespace = pod.namespace] = original.split('.');
      const service = `${name}.${namespace}.svc.cluster.local`;
      const entry = {
        status,
        flags: '-',
        durationMs,
        cluster: undefined,
        host: service,
        upstream: undefined,
      };
      observeAt(pod, requestLabels(entry, pod, UNKNOWN), durationMs);
    },
    text: () => {
      for (const [key, { podUid }] of series) {
        if (podUid !== undefined && !pods.isAlive(podUid)) series.delete(key);
      }
      return render([...series.values()]);
    },
  };
};

const emptySeries = (labels: string, podUid: string | undefined): Series => ({
  labels,
  podUid,
  count: 0,
  sumMs: 0,
  perBucket: new Array<number>(BUCKETS_MS.length + 1).fill(0),
});

const answeredBy = (entry: AccessLogEntry, pods: PodDirectory): PodIdentity | undefined => {
  if (entry.flags.split(',').some((flag) => UNDELIVERED.has(flag))) return undefined;
  return entry.upstream === undefined ? undefined : pods.at(entry.upstream.replace(/:\d+$/, ''));
};

const requestLabels = (
  entry: AccessLogEntry,
  pod: PodIdentity | undefined,
  source: Source,
): Record<string, string> => {
  const service = entry.cluster?.split('|')[3] ?? entry.host ?? 'unknown';
  const [name = 'unknown', namespace = 'unknown'] = service.split('.');
  return {
    source_workload: source.workload,
    source_workload_namespace: source.namespace,
    destination_workload: pod?.workload ?? 'unknown',
    destination_workload_namespace: pod?.namespace ?? 'unknown',
    destination_version: pod?.version ?? 'unknown',
    destination_service: service,
    destination_service_name: name,
    destination_service_namespace: namespace,
    request_protocol: 'http',
    response_code: String(entry.status),
    response_flags: entry.flags,
    connection_security_policy: 'mutual_tls',
  };
};

const renderLabels = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`)
    .join(',');

const DURATION = 'istio_request_duration_milliseconds';

const render = (all: Series[]): string =>
  [
    '# HELP istio_requests_total Requests, by who reports them and who answered.',
    '# TYPE istio_requests_total counter',
    ...all.map(({ labels, count }) => `istio_requests_total{${labels}} ${count}`),
    `# HELP ${DURATION} Duration of requests in milliseconds.`,
    `# TYPE ${DURATION} histogram`,
    ...all.flatMap(renderHistogram),
    '',
  ].join('\n');

const renderHistogram = ({ labels, count, sumMs, perBucket }: Series): string[] => {
  let below = 0;
  const buckets = BUCKETS_MS.map((edge, index) => {
    below += perBucket[index] ?? 0;
    return `${DURATION}_bucket{${labels},le="${edge}"} ${below}`;
  });
  return [
    ...buckets,
    `${DURATION}_bucket{${labels},le="+Inf"} ${count}`,
    `${DURATION}_sum{${labels}} ${sumMs}`,
    `${DURATION}_count{${labels}} ${count}`,
  ];
};
