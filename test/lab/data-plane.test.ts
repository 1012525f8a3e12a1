import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBinaries } from '../../lab/binaries.ts';
import { type DataPlane, startDataPlane } from '../../lab/data-plane.ts';
import { FIRST_START_MS, type Lab, startLab } from '../../lab/lab.ts';
import { type Load, startLoad } from '../../lab/load.ts';

// Two Deployments behind one Service, as during a canary: the mesh must send each its share, lose nothing, count right.

const deployment = (name: string, version: string, image: string, replicas: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web, version: ${version}}}
  template:
    metadata: {labels: {app: web, version: ${version}}}
    spec: {containers: [{name: web, image: "${image}", ports: [{containerPort: 8080}]}]}
---`;

const routes = (weights: Record<string, number>) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
  # Retries would hide what the mesh loses.
  - retries: {attempts: 0}
    route:
${Object.entries(weights)
  .map(([subset, weight]) => `    - {destination: {host: web, subset: ${subset}}, weight: ${weight}}`)
  .join('\n')}
---`;

const MESH = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec:
  host: web
  subsets:
  - {name: primary, labels: {version: primary}}
  - {name: canary, labels: {version: canary}}
  - {name: nobody, labels: {version: nobody}}
---`;

let lab: Lab;
let mesh: DataPlane;

beforeAll(async () => {
  lab = await startLab();
  const binaries = await ensureBinaries(['envoy', 'prometheus']);
  mesh = await startDataPlane({
    api: lab.api,
    dir: join(lab.dir, 'mesh'),
    binaries,
    proxies: [{ namespace: 'shop' }, { namespace: 'clients' }],
  });
  lab.onStop(() => mesh.stop());
  await lab.applyYaml('apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}');
  await lab.applyYaml(
    MESH + deployment('web', 'primary', 'web:v1', 3) + deployment('web-canary', 'canary', 'web:v2', 1),
  );
  for (const name of ['web', 'web-canary']) {
    await lab.kubectl(['rollout', 'status', '-n', 'shop', `deployment/${name}`, '--timeout=60s']);
  }
  await eventually(async () => (await get('web')) === 200);
}, FIRST_START_MS);

afterAll(() => lab?.stop());

const get = (host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: mesh.httpPort, headers: { host } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });

const eventually = async (condition: () => Promise<boolean>, deadlineMs = 20_000): Promise<void> => {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${condition.toString()}`);
    await sleep(100);
  }
};

const loadUntil = async (load: Load, requests: number): Promise<void> => {
  const before = load.total().requests;
  await eventually(() => Promise.resolve(load.total().requests - before >= requests), 60_000);
};

const query = async (expression: string): Promise<number> => {
  const url = `${mesh.prometheusUrl}/api/v1/query?query=${encodeURIComponent(expression)}`;
  const answer = (await (await fetch(url)).json()) as { data: { result: { value: [number, string] }[] } };
  return Number(answer.data.result[0]?.value[1] ?? Number.NaN);
};

describe('the data plane', () => {
  it('splits by weight without a failure, and Prometheus has every request', async () => {
    await lab.applyYaml(routes({ primary: 80, canary: 20 }));
    // Long enough for the scrape of what was sent before.
    await sleep(2500);
    const ofCanary = (more: string) =>
      query(
        `sum(istio_requests_total{destination_workload="web-canary",destination_workload_namespace="shop",${more}}) or vector(0)`,
      );
    const before = await ofCanary('reporter="source"');
    const load = startLoad({ port: mesh.httpPort, host: 'web.shop', rps: 200, keepAlive: false });
    await loadUntil(load, 1200);
    await load.stop();
    const { requests, failures } = load.total();
    const canary = load.counts()[0]?.versions['v2']?.requests ?? 0;
    expect({ failures, seen: load.failures() }).toEqual({ failures: 0, seen: [] });
    expect(Math.abs((canary / requests) * 100 - 20)).toBeLessThan(5);
    for (const reporter of ['reporter="source",pod=""', 'reporter="destination",pod=~"web-canary-.+"']) {
      await eventually(async () => (await ofCanary(reporter)) - before === canary);
    }
    expect(
      await query('istio_request_duration_milliseconds_count{pod="",destination_version="canary"}'),
    ).toBe(before + canary);
  });

  it('answers 503 for a subset without endpoints, and for one that nobody defines', async () => {
    for (const subset of ['nobody', 'undefined']) {
      await lab.applyYaml(routes({ [subset]: 100 }));
      await eventually(async () => (await get('web')) === 503);
      await lab.applyYaml(routes({ primary: 100 }));
      await eventually(async () => (await get('web')) === 200);
    }
    const unserved = (flag: string) =>
      query(
        `sum(istio_requests_total{destination_workload="unknown",response_code="503",response_flags="${flag}",destination_service_name="web"})`,
      );
    await eventually(async () => (await unserved('UH')) >= 1 && (await unserved('NC')) >= 1);
  });

  it('loses no request in a rolling update, nor while weights move and the split goes', async () => {
    const load = startLoad({ port: mesh.httpPort, host: 'web', rps: 100 });
    load.phase('rolling update');
    await lab.kubectl(['set', 'image', '-n', 'shop', 'deployment/web', 'web=web:v3']);
    await lab.kubectl(['rollout', 'status', '-n', 'shop', 'deployment/web', '--timeout=60s']);
    for (const canary of [10, 50, 0]) {
      load.phase(`canary ${canary}`);
      await lab.applyYaml(routes({ primary: 100 - canary, canary }));
      await loadUntil(load, 100);
    }
    load.phase('unsplit');
    await lab.kubectl(['delete', '-n', 'shop', 'virtualservice/web', 'destinationrule/web']);
    await loadUntil(load, 400);
    const phases = await load.stop();
    expect(load.failures()).toEqual([]);
    expect(phases.map(({ phase }) => phase)).toContain('rolling update');
    expect(phases.at(-1)?.versions['v3']?.requests).toBeGreaterThan(0);
  });

  it('keeps its address and data while Prometheus is away', async () => {
    const count = await query('sum(istio_requests_total)');
    await mesh.prometheus.pause();
    await expect(fetch(mesh.prometheusUrl)).rejects.toThrow();
    await mesh.prometheus.resume();
    await eventually(async () => (await query('sum(istio_requests_total)')) >= count);
  });
});
