import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContourPlane, GATEWAY, startContour } from '../../../lab/contour.ts';
import { FIRST_START_MS, type Lab, startLab } from '../../../lab/lab.ts';
import { type Load, startLoad } from '../../../lab/load.ts';
import { createMetricClient } from '../../../src/analysis/metric-client.ts';
import type { MetricTarget } from '../../../src/analysis/metric-provider.ts';
import { createPrometheusProvider } from '../../../src/analysis/prometheus.ts';
import type { PodCounters } from '../../../src/core/counts.ts';
import { eventually, GRACE_CAP_MS } from '../release-world.ts';

// Contour as it is, without Kanari: weights written by hand must be kept, lose nothing, and be counted right.

const pair = (name: string, version: string, replicas: number) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {selector: {app: ${name}}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: web, image: "web:${version}", ports: [{containerPort: 8080}]}]}
---`;

const route = (canary: number) => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: ${GATEWAY.name}, namespace: ${GATEWAY.namespace}}]
  hostnames: [web.shop]
  rules:
  - backendRefs: [{name: web, port: 80, weight: ${100 - canary}}, {name: web-canary, port: 80, weight: ${canary}}]
`;

let lab: Lab;
let gateway: ContourPlane;

beforeAll(async () => {
  lab = await startLab({ kubelet: { graceCapMs: GRACE_CAP_MS } });
  gateway = await startContour(lab);
  await lab.applyYaml('apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}');
  await lab.applyYaml(pair('web', 'v1', 3) + pair('web-canary', 'v2-errors10', 1) + route(0));
  for (const name of ['web', 'web-canary'])
    await lab.kubectl(['rollout', 'status', '-n', 'shop', `deployment/${name}`, '--timeout=180s']);
  await eventually(
    async () => (await answers()) || undefined,
    () => 'the route answers',
  );
}, FIRST_START_MS);

afterAll(() => lab?.stop());

const answers = async (): Promise<boolean> => {
  const headers = { host: 'web.shop' };
  const probe = startLoad({ port: gateway.httpPort, host: headers.host, rps: 20 });
  await eventually(
    () => probe.total().requests > 0 || undefined,
    () => 'an answer',
  );
  await probe.stop();
  return probe.total().failures === 0;
};

const asked = (load: Load, requests: number): Promise<true> => {
  const from = load.total().requests;
  return eventually(
    () => load.total().requests - from >= requests || undefined,
    () => `${load.total().requests - from} of ${requests} requests`,
  );
};

const answeredBy = (load: Load, phase: string, version: string): number =>
  load.counts().find((counts) => counts.phase === phase)?.versions[version]?.requests ?? 0;

const TARGET: MetricTarget = {
  key: 'shop/web',
  workload: 'web-canary',
  canaryServices: ['web-canary'],
  // No answer is as late, also of pods that wait for a processor.
  latency: { quantile: 0.99, limitMs: 5_000 },
};

/** As Kanari reads it. */
const countedOfCanary = async (): Promise<PodCounters[]> => {
  const server = {
    name: 'default',
    type: 'prometheus',
    url: gateway.prometheusUrl,
    headers: {},
    headerFiles: {},
  } as const;
  const client = createMetricClient(server, { timeoutMs: 5_000, log: { warn: () => undefined } });
  const provider = createPrometheusProvider({ client, querySets: ['istio', 'envoy'] });
  const reading = (await provider.read([TARGET], new AbortController().signal)).get('shop/web');
  return reading?.kind === 'samples' ? reading.pods : [];
};

const WEIGHTS = [10, 20];
// So many that chance alone is three points off once in 40,000 runs.
const REQUESTS = 3_200;

describe('Contour', () => {
  it('keeps weights within ±3 points, loses no request when they change, and is counted right', async () => {
    const [blank] = await eventually(
      async () => {
        const counted = await countedOfCanary();
        return counted.length > 0 ? counted : undefined;
      },
      () => 'a scrape that knows the canary',
    );
    expect(blank).toMatchObject({ requests: 0, errors: 0, timed: 0 });
    const load = startLoad({ port: gateway.httpPort, host: 'web.shop', rps: 200, phase: '0' });
    await asked(load, 200);
    for (const weight of WEIGHTS) {
      load.phase(`to ${weight}`);
      await lab.applyYaml(route(weight));
      // So many that at the weight before they take five seconds: as late as Envoy may learn the new one.
      await eventually(
        () => answeredBy(load, `to ${weight}`, 'v2-errors10') > 100 || undefined,
        () => `a share of ${weight}`,
      );
      load.phase(String(weight));
      await asked(load, REQUESTS);
    }
    load.phase('back');
    await lab.applyYaml(route(0));
    await asked(load, 200);
    await load.stop();
    const failures = load.failures();
    expect(failures.filter(({ version, status }) => version !== 'v2-errors10' || status !== 500)).toEqual([]);
    for (const weight of WEIGHTS) {
      const counts = load.counts().find(({ phase }) => phase === String(weight));
      const share = (100 * (counts?.versions['v2-errors10']?.requests ?? 0)) / (counts?.requests ?? 0);
      expect(Math.abs(share - weight)).toBeLessThanOrEqual(3);
    }
    const requests = load
      .counts()
      .reduce((sum, { versions }) => sum + (versions['v2-errors10']?.requests ?? 0), 0);
    // The histogram follows the counters by Envoy's flush, the scrape follows that.
    const counted = await eventually(
      async () => {
        const all = await countedOfCanary();
        return all.some(({ timed }) => timed === requests) ? all : undefined;
      },
      () => `${requests} requests in the histogram`,
    );
    expect(counted).toMatchObject([{ requests, errors: failures.length, timed: requests, slow: 0 }]);
  });

  it('loses no request when pods come and go', async () => {
    await lab.applyYaml(route(0));
    const load = startLoad({ port: gateway.httpPort, host: 'web.shop', rps: 200 });
    const settled = async (replicas: number): Promise<void> => {
      await lab.kubectl(['scale', '-n', 'shop', 'deployment/web', `--replicas=${replicas}`]);
      const pods = ['get', 'pods', '-n', 'shop', '-l', 'app=web', '-o', 'name'];
      await eventually(
        async () => (await lab.kubectl(pods)).stdout.trim().split('\n').length === replicas || undefined,
        () => `${replicas} pods`,
      );
    };
    await settled(6);
    await settled(2);
    await lab.kubectl(['set', 'image', '-n', 'shop', 'deployment/web', 'web=web:v3']);
    await lab.kubectl(['rollout', 'status', '-n', 'shop', 'deployment/web', '--timeout=180s']);
    await asked(load, 400);
    await load.stop();
    expect(load.failures().slice(0, 5)).toEqual([]);
  });

  it('counts what it can not deliver as errors of the Service it was for', async () => {
    await lab.kubectl(['scale', '-n', 'shop', 'deployment/web-canary', '--replicas=0']);
    await lab.kubectl([
      'wait',
      '-n',
      'shop',
      'pod',
      '-l',
      'app=web-canary',
      '--for=delete',
      '--timeout=180s',
    ]);
    // After a scrape that came too late there is no count.
    const before = await eventually(
      async () => (await countedOfCanary())[0],
      () => 'a count',
    );
    await lab.applyYaml(route(100));
    const load = startLoad({ port: gateway.httpPort, host: 'web.shop', rps: 50 });
    await eventually(
      () => load.total().failures >= 50 || undefined,
      () => 'failed requests',
    );
    await load.stop();
    const { failures } = load.total();
    const errors = before.errors + failures;
    await eventually(
      async () => (await countedOfCanary())[0]?.errors === errors || undefined,
      () => `${errors} errors`,
    );
  });
});
