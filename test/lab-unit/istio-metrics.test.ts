import { describe, expect, it } from 'vitest';
import { type AccessLogEntry, parseEntry } from '../../lab/access-log.ts';
import { createIstioMetrics } from '../../lab/istio-metrics.ts';
import { createPodDirectory } from '../../lab/pod-directory.ts';
import type { Pod, ReplicaSet } from '../../src/core/objects.ts';

const owned = (kind: string, name: string) => [
  { apiVersion: 'apps/v1', kind, name, uid: name, controller: true },
];

const replicaSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web-canary-abc', namespace: 'shop', ownerReferences: owned('Deployment', 'web-canary') },
  spec: { selector: {}, template: { spec: {} } },
} satisfies ReplicaSet;

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-canary-abc-1',
    namespace: 'shop',
    uid: 'u1',
    labels: { version: 'v2' },
    ownerReferences: owned('ReplicaSet', 'web-canary-abc'),
  },
  status: { podIP: '10.244.0.7' },
} satisfies Pod;

const entry: AccessLogEntry = {
  status: 200,
  flags: '-',
  durationMs: 7,
  upstream: '127.244.0.7:8080',
  cluster: 'outbound|80|kanari-canary|web.shop.svc.cluster.local',
  host: 'web.shop.svc.cluster.local',
};

const setUp = () => {
  const pods = createPodDirectory((key) => (key === 'shop/web-canary-abc' ? replicaSet : undefined));
  pods.saw(pod);
  return { pods, metrics: createIstioMetrics(pods) };
};

const requestLines = (text: string) =>
  text.split('\n').filter((line) => line.startsWith('istio_requests_total{'));

describe('Istio metrics', () => {
  it('count a request at both ends, with the names of the pod that answered', () => {
    const { metrics } = setUp();
    metrics.record(entry, 'shop');
    metrics.record(entry, 'shop');
    const names =
      'source_workload="client",source_workload_namespace="shop",destination_workload="web-canary",destination_workload_namespace="shop",' +
      'destination_version="v2",destination_service="web.shop.svc.cluster.local",destination_service_name="web",' +
      'destination_service_namespace="shop",request_protocol="http",response_code="200",response_flags="-",' +
      'connection_security_policy="mutual_tls"';
    expect(requestLines(metrics.text())).toEqual([
      `istio_requests_total{reporter="source",${names}} 2`,
      `istio_requests_total{reporter="destination",${names},namespace="shop",pod="web-canary-abc-1"} 2`,
    ]);
  });

  const undelivered: Record<string, Partial<AccessLogEntry>> = {
    'no endpoint': { status: 503, flags: 'UH', upstream: undefined },
    'no such cluster': { status: 503, flags: 'NC', upstream: undefined, cluster: undefined },
    'no connection': { status: 503, flags: 'UF,URX' },
  };
  it.each(Object.entries(undelivered))('know no pod: %s', (_name, change) => {
    const { metrics } = setUp();
    metrics.record({ ...entry, ...change }, 'shop');
    const lines = requestLines(metrics.text());
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('reporter="source"');
    expect(lines[0]).toContain('destination_workload="unknown"');
    expect(lines[0]).toContain('destination_service_name="web"');
    expect(lines[0]).toContain(`response_flags="${change.flags}"`);
  });

  it('put durations into cumulative buckets with inclusive edges', () => {
    const { metrics } = setUp();
    for (const durationMs of [5, 6, 4_000_000]) metrics.record({ ...entry, durationMs }, 'shop');
    const lines = metrics
      .text()
      .split('\n')
      .filter((line) => line.includes('reporter="source"'));
    const valueOf = (part: string) =>
      lines
        .find((line) => line.includes(part))
        ?.split(' ')
        .at(-1);
    expect(valueOf('le="1"')).toBe('0');
    expect(valueOf('le="5"')).toBe('1');
    expect(valueOf('le="10"')).toBe('2');
    expect(valueOf('le="3600000"')).toBe('2');
    expect(valueOf('le="+Inf"')).toBe('3');
    expect(valueOf('milliseconds_sum')).toBe('4000011');
    expect(valueOf('milliseconds_count')).toBe('3');
  });

  it("drop a pod's own series when the pod is gone, and keep its clients'", () => {
    const { pods, metrics } = setUp();
    metrics.record(entry, 'shop');
    pods.gone(pod);
    expect(requestLines(metrics.text())).toEqual([expect.stringContaining('reporter="source"')]);
  });

  it('name the Deployment of a pod whose ReplicaSet is not known yet', () => {
    const pods = createPodDirectory(() => undefined);
    pods.saw(pod);
    expect(pods.at('127.244.0.7')?.workload).toBe('web-canary');
  });
});

describe('copies of requests', () => {
  const served = { podIp: '10.244.0.7', host: 'web.shop-shadow:80', status: 500, durationMs: 3 };

  it('are counted where they were answered, and nowhere else', () => {
    const { metrics } = setUp();
    metrics.recordMirrored(served);
    const lines = requestLines(metrics.text());
    expect(lines).toHaveLength(1);
    for (const label of [
      'reporter="destination"',
      'source_workload="unknown"',
      'destination_workload="web-canary"',
      'destination_service_name="web"',
      'destination_service_namespace="shop"',
      'response_code="500"',
    ])
      expect(lines[0]).toContain(label);
  });

  it('of a short host are meant for the namespace of the pod', () => {
    const { metrics } = setUp();
    metrics.recordMirrored({ ...served, host: 'web-shadow' });
    expect(requestLines(metrics.text())[0]).toContain('destination_service="web.shop.svc.cluster.local"');
  });

  it('are told apart from what a client’s proxy counts already', () => {
    const { metrics } = setUp();
    metrics.recordMirrored({ ...served, host: 'web.shop' });
    expect(requestLines(metrics.text())).toEqual([]);
  });
});

describe('the access log', () => {
  it('reads what Envoy leaves out as absent', () => {
    expect(parseEntry('{"status":503,"flags":"UH","durationMs":0,"upstream":null,"cluster":"-"}')).toEqual({
      status: 503,
      flags: 'UH',
      durationMs: 0,
      upstream: undefined,
      cluster: undefined,
      host: undefined,
    });
  });

  it('skips what is not an entry', () => {
    expect(parseEntry('{"status":20')).toBeUndefined();
  });
});
