import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ensureBinaries } from '../../lab/binaries.ts';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { type MetricsServer, startMetricsServer } from '../../lab/metrics-server.ts';
import { type Prometheus, startPrometheus } from '../../lab/prometheus.ts';
import { createMetricClient, type MetricClient } from '../../src/analysis/metric-client.ts';
import type { MetricTarget } from '../../src/analysis/metric-provider.ts';
import { createPrometheusProvider } from '../../src/analysis/prometheus.ts';
import type { ObjectKey } from '../../src/core/objects.ts';
import { QUERY_SETS } from '../../src/integrations/schema.ts';
import { serverAt } from '../analysis/scripted-server.ts';

// What the queries make of every data plane's series, in a real Prometheus that has scraped them.

const ISTIO = 'destination_workload_namespace="shop",destination_workload';
const INBOUND = 'direction="inbound",namespace="mesh",deployment="web-canary",pod="m1"';
const CONTOUR = 'pod="e1",envoy_cluster_name';
const NEWER_TRAEFIK = 'httproute-tra-web-gw-tra-gw-ep-web-0-0a1b-svc-tra-api-canary-80@kubernetesgateway';

/** Histogram of requests by the upper edges of their buckets. */
const histogram = (name: string, labels: string, within: Record<string, number>): string =>
  Object.entries(within)
    .map(([le, count]) => `${name}_bucket{${labels},le="${le}"} ${count}`)
    .join('\n');

const SERIES = `
istio_requests_total{reporter="destination",${ISTIO}="web-canary",source_workload="loader",response_code="200",pod="i1"} 90
istio_requests_total{reporter="destination",${ISTIO}="web-canary",source_workload="unknown",response_code="200",pod="i1"} 7
istio_requests_total{reporter="destination",${ISTIO}="web-canary",source_workload="loader",response_code="503",pod="i1"} 3
istio_requests_total{reporter="source",${ISTIO}="web-canary",response_flags="-",response_code="200",pod="loader"} 90
istio_requests_total{reporter="source",${ISTIO}="web-canary",response_flags="UH",response_code="503",pod="loader"} 2
istio_requests_total{reporter="destination",${ISTIO}="web",response_code="200",pod="p1"} 900
istio_requests_total{reporter="destination",${ISTIO}="odd-canary",response_code="200",pod="o1"} NaN
${histogram('istio_request_duration_milliseconds', `reporter="destination",${ISTIO}="web-canary",pod="i1"`, { 250: 80, 500: 95, '+Inf': 100 })}
${histogram('istio_request_duration_milliseconds', `reporter="destination",${ISTIO}="web",pod="p1"`, { 500: 899, '+Inf': 900 })}

response_total{${INBOUND},target_port="8080",route_name="default",classification="success",status_code="200"} 48
response_total{${INBOUND},target_port="8080",route_name="default",classification="failure",status_code="200"} 2
response_total{${INBOUND},target_port="4191",route_name="default",classification="success",status_code="200"} 500
response_total{${INBOUND},target_port="8080",route_name="probe",classification="success",status_code="200"} 600
response_total{direction="outbound",namespace="mesh",deployment="web-canary",pod="m1",classification="failure",status_code="503"} 700
${histogram('response_latency_ms', `${INBOUND},target_port="8080",classification="success"`, { 500: 49, '+Inf': 50 })}

envoy_cluster_upstream_rq_xx{${CONTOUR}="edge_web-canary_80",envoy_response_code_class="2"} 19
envoy_cluster_upstream_rq_xx{${CONTOUR}="edge_web-canary_80",envoy_response_code_class="5"} 1
envoy_cluster_upstream_rq_total{${CONTOUR}="edge_web-canary_80"} 20
envoy_cluster_upstream_rq_xx{${CONTOUR}="edge_web_80",envoy_response_code_class="2"} 180
envoy_cluster_upstream_rq_total{${CONTOUR}="edge_web_80"} 180
envoy_cluster_upstream_rq_total{pod="e2",envoy_cluster_name="edge_web-canary_80"} 0
${histogram('envoy_cluster_upstream_rq_time', `${CONTOUR}="edge_web-canary_80"`, { 500: 18, '+Inf': 20 })}

traefik_service_requests_total{pod="t1",service="tra-web-canary-80@kubernetesgateway",code="200"} 30
traefik_service_requests_total{pod="t1",service="tra-web-canary-80@kubernetesgateway",code="502"} 5
traefik_service_requests_total{pod="t1",service="${NEWER_TRAEFIK}",code="200"} 8
traefik_service_requests_total{pod="t1",service="tra-web-80@kubernetesgateway",code="200"} 350
${histogram('traefik_service_request_duration_seconds', 'pod="t1",service="tra-web-canary-80@kubernetesgateway"', { 0.3: 31, 0.57: 33, '+Inf': 35 })}

nginx_ingress_controller_requests{pod="n1",namespace="ing",service="web-canary",status="200"} 11
nginx_ingress_controller_requests{pod="n1",namespace="ing",service="web-canary",status="5xx"} 1
nginx_ingress_controller_requests{pod="n2",namespace="ingress-nginx",service="metrics",exported_namespace="ing",exported_service="web-canary",status="500"} 4
nginx_ingress_controller_requests{pod="n1",namespace="ing",service="web",status="200"} 120
${histogram('nginx_ingress_controller_request_duration_seconds', 'pod="n1",namespace="ing",service="web-canary"', { 0.5: 10, 5: 12, '+Inf': 12 })}

some_gauge 1
`;

let dir: string;
let exporter: MetricsServer;
let prometheus: Prometheus;
let client: MetricClient;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kanari-prometheus-'));
  const { prometheus: program } = await ensureBinaries(['prometheus']);
  exporter = await startMetricsServer(() => SERIES);
  prometheus = await startPrometheus({ program, dir, targetUrl: exporter.url });
  client = createMetricClient(serverAt(prometheus.url), {
    timeoutMs: 60_000,
    log: { warn: () => undefined },
  });
  await vi.waitFor(
    async () => expect(await client.query('some_gauge', never)).toMatchObject({ series: [{ value: 1 }] }),
    { timeout: 120_000, interval: 200 },
  );
}, FIRST_START_MS);

afterAll(async () => {
  await Promise.all([prometheus?.stop(), exporter?.stop()]);
  await rm(dir, { recursive: true });
});

const never = new AbortController().signal;

const target = (key: ObjectKey, limitMs = 500): MetricTarget => {
  const name = key.split('/')[1] ?? '';
  return {
    key,
    workload: `${name}-canary`,
    canaryServices: [`${name}-canary`],
    primary: { workload: name, services: [name] },
    latency: { quantile: 0.99, limitMs },
  };
};

const read = async (...targets: MetricTarget[]) => {
  const provider = createPrometheusProvider({ client, querySets: QUERY_SETS });
  const readings = [...(await provider.read(targets, never)).values()];
  // Prometheus answers in no order.
  return readings.map((reading) =>
    reading.kind === 'samples'
      ? { ...reading, pods: reading.pods.toSorted((a, b) => a.pod.localeCompare(b.pod)) }
      : reading,
  );
};

describe('a real Prometheus', () => {
  it("tells of Istio's pods, of copies once, and of what clients could not deliver", async () => {
    const [reading] = await read(target('shop/web'));
    expect(reading).toMatchObject({
      kind: 'samples',
      pods: [
        { pod: 'client/loader', requests: 2, errors: 2 },
        { pod: 'i1', requests: 100, errors: 3, timed: 100, slow: 5 },
      ],
      primary: [{ pod: 'p1', requests: 900, errors: 0, timed: 900, slow: 1 }],
      latencyEdgeMs: 500,
    });
  });

  it("tells of Linkerd's pods what users asked, and not what probes and scrapes did", async () => {
    const [reading] = await read(target('mesh/web'));
    expect(reading).toMatchObject({ pods: [{ pod: 'm1', requests: 50, errors: 2, timed: 50, slow: 1 }] });
  });

  it('tells of a gateway of Envoy, by proxy, also of one without a request yet', async () => {
    const [reading] = await read(target('edge/web'));
    expect(reading).toMatchObject({
      pods: [
        { pod: 'proxy/e1', requests: 20, errors: 1, timed: 20, slow: 2 },
        { pod: 'proxy/e2', requests: 0 },
      ],
      primary: [{ pod: 'proxy/e1', requests: 180, errors: 0 }],
    });
  });

  it('tells of Traefik, by both of its ways to name a service, with edges in seconds', async () => {
    const [web, api] = await read(target('tra/web', 570), target('tra/api'));
    expect(web).toMatchObject({
      pods: [{ pod: 'proxy/t1', requests: 35, errors: 5, timed: 35, slow: 2 }],
      primary: [{ pod: 'proxy/t1', requests: 350 }],
      latencyEdgeMs: 570,
    });
    expect(api).toMatchObject({ pods: [{ pod: 'proxy/t1', requests: 8, errors: 0 }] });
  });

  it('tells of ingress-nginx, whoever owns the labels, with edges in seconds', async () => {
    const [reading] = await read(target('ing/web'));
    expect(reading).toMatchObject({
      pods: [
        { pod: 'proxy/n1', requests: 12, errors: 1, timed: 12, slow: 2 },
        { pod: 'proxy/n2', requests: 4, errors: 4 },
      ],
      primary: [{ pod: 'proxy/n1', requests: 120 }],
      latencyEdgeMs: 500,
    });
  });

  it('stamps a reading with the time of its scrape', async () => {
    const [first] = await read(target('shop/web'));
    const at = first?.kind === 'samples' ? Date.parse(first.at) : Number.NaN;
    expect(Math.abs(Date.now() - at)).toBeLessThan(60_000);
    await vi.waitFor(
      async () => {
        const [next] = await read(target('shop/web'));
        expect(next?.kind === 'samples' ? Date.parse(next.at) : 0).toBeGreaterThan(at);
      },
      { timeout: 120_000, interval: 200 },
    );
  });

  it('has no number, and nothing, to tell of others', async () => {
    expect(await read(target('shop/odd'), target('shop/none'))).toMatchObject([
      { kind: 'empty', reason: 'SamplesNotNumeric' },
      { kind: 'empty', reason: 'NoSamples' },
    ]);
  });

  it('understands the queries for 500 canaries of the longest names', async () => {
    const long = (n: number) => `${n}`.padStart(63, 'a');
    const many = Array.from({ length: 500 }, (_, n) => target(`${long(n)}/${long(n)}`));
    const [reading] = await read(target('shop/web'), ...many);
    expect(reading).toMatchObject({ kind: 'samples', pods: [{ requests: 2 }, { requests: 100 }] });
  });

  it('may say something beside the answer, which is no warning', async () => {
    expect(await client.query('rate(some_gauge[1m])', never)).toMatchObject({ ok: true });
  });

  it('says in its own words what it does not understand, and what it warns of', async () => {
    expect(await client.query('some_gauge{', never)).toMatchObject({
      reason: 'MetricsServerError',
      message: expect.stringMatching(/HTTP 400: .*parse error/) as string,
    });
    expect(
      await client.query('histogram_quantile(2, envoy_cluster_upstream_rq_time_bucket)', never),
    ).toMatchObject({
      reason: 'MetricsAnswerPartial',
      message: expect.stringContaining('the metrics server warns: ') as string,
    });
    expect(await client.query('some_gauge[1m]', never)).toMatchObject({ reason: 'MetricsAnswerInvalid' });
  });
});
