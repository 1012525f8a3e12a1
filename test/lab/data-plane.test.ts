import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startConnections } from '../../lab/connection-load.ts';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { startLoad } from '../../lab/load.ts';
import {
  ask,
  loadUntil,
  type MeshWorld,
  query,
  routed,
  shares,
  startMeshWorld,
  webRoute,
} from './data-plane-world.ts';
import { eventually } from './release-world.ts';

// The mesh must send each version its share, lose nothing, count right, and read every route as Istio does.

let world: MeshWorld;

beforeAll(async () => {
  world = await startMeshWorld();
}, FIRST_START_MS);

afterAll(() => world?.lab.stop());

const apply = (yaml: string) => world.lab.applyYaml(yaml);
const holds = (what: string, condition: () => Promise<boolean>) =>
  eventually(
    async () => (await condition()) || undefined,
    () => what,
  );

/** So many that chance alone is three points off once in 40,000 runs. */
const REQUESTS = 3_200;
/** Here seven points, and a connection costs more. */
const CONNECTIONS = 1_000;

/** Percentage of a version in one phase of a load. */
const shareIn = (counts: { versions: Record<string, { requests: number }>; requests: number }) =>
  ((counts.versions['v2']?.requests ?? 0) / counts.requests) * 100;

const ofCanary = (more: string) =>
  query(
    world,
    `sum(istio_requests_total{destination_workload="web-canary",destination_workload_namespace="shop",${more}}) or vector(0)`,
  );

describe('the data plane', () => {
  it('splits by weight without a failure, whoever asks, and Prometheus has every request', async () => {
    const { mesh, inShop, outside } = world;
    const load = startLoad({
      port: [inShop.httpPort, outside.httpPort],
      host: 'web.shop',
      rps: 200,
      keepAlive: 'both',
      phase: 'unsplit',
    });
    const weights = [10, 20];
    for (const weight of weights) {
      load.phase(`to ${weight}`);
      await apply(webRoute(`[${shares({ primary: 100 - weight, canary: weight })}]`));
      for (const proxy of mesh.proxies) await routed(proxy, `${100 - weight}-${weight}`);
      load.phase(`at ${weight}`);
      await loadUntil(load, REQUESTS);
    }
    const phases = await load.stop();
    expect(load.failures().slice(0, 5)).toEqual([]);
    for (const weight of weights) {
      const counts = phases.find(({ phase }) => phase === `at ${weight}`);
      expect(Math.abs(shareIn(counts!) - weight)).toBeLessThan(3);
    }
    const answered = phases.reduce((sum, { versions }) => sum + (versions['v2']?.requests ?? 0), 0);
    for (const namespace of ['shop', 'clients']) {
      const asked = `reporter="source",source_workload_namespace="${namespace}"`;
      await holds(`requests of ${namespace}`, async () => (await ofCanary(asked)) > 0);
    }
    for (const reporter of ['reporter="source",pod=""', 'reporter="destination",pod=~"web-canary-.+"']) {
      // More by the few requests that waited for the routes.
      await holds(`every request ${reporter}`, async () => (await ofCanary(reporter)) >= answered);
      expect(await ofCanary(reporter)).toBeLessThan(answered + 100);
    }
  });

  it('answers 503 for a subset without endpoints, and for one that nobody defines', async () => {
    const status = async () => (await ask(world.inShop)).status;
    for (const subset of ['nobody', 'undefined']) {
      await apply(webRoute(`[${shares({ [subset]: 100 })}]`));
      await holds(`503 of ${subset}`, async () => (await status()) === 503);
      await apply(webRoute(`[${shares({ primary: 100 })}]`));
      await holds('200', async () => (await status()) === 200);
    }
    const unserved = (flag: string) =>
      query(
        world,
        `sum(istio_requests_total{destination_workload="unknown",response_code="503",response_flags="${flag}",destination_service_name="web"})`,
      );
    await holds('503s counted', async () => (await unserved('UH')) >= 1 && (await unserved('NC')) >= 1);
  });

  it('loses no request in a rolling update, nor while weights move and the split goes', async () => {
    const load = startLoad({ port: world.inShop.httpPort, host: 'web', rps: 100 });
    load.phase('rolling update');
    await world.lab.kubectl(['set', 'image', '-n', 'shop', 'deployment/web', 'web=web:v3']);
    await world.lab.kubectl(['rollout', 'status', '-n', 'shop', 'deployment/web', '--timeout=180s']);
    for (const canary of [10, 50, 0]) {
      load.phase(`canary ${canary}`);
      await apply(webRoute(`[${shares({ primary: 100 - canary, canary })}]`));
      await loadUntil(load, 100);
    }
    load.phase('unsplit');
    await world.lab.kubectl(['delete', '-n', 'shop', 'virtualservice/web']);
    await loadUntil(load, 400);
    const phases = await load.stop();
    expect(load.failures()).toEqual([]);
    expect(phases.map(({ phase }) => phase)).toContain('rolling update');
    expect(phases.at(-1)?.versions['v3']?.requests).toBeGreaterThan(0);
  });

  it('keeps its address and data while Prometheus is away', async () => {
    const { prometheus, prometheusUrl } = world.mesh;
    // Not what pods count: it goes with them, and the last of v1 may only just be ending.
    const requests = 'sum(istio_requests_total{reporter="source"})';
    let count = Number.NaN;
    // After a scrape that came too late there is none.
    await holds('a count', async () => (count = await query(world, requests)) > 0);
    await prometheus.pause();
    await expect(fetch(prometheusUrl)).rejects.toThrow();
    await prometheus.resume();
    await holds('the data', async () => (await query(world, requests)) >= count);
  });
});

const TO_PRIMARY = 'route: [{destination: {host: web, subset: primary}}]';
const TO_CANARY = 'route: [{destination: {host: web, subset: canary}}]';
const EVERYTHING = `
  - {match: [{uri: {prefix: /header}, headers: {x-beta: {regex: 'y.*'}}}], ${TO_CANARY}}
  - {match: [{uri: {prefix: /cookie}, headers: {cookie: {regex: '(.*;\\s*)?beta=yes(;.*)?'}}}], ${TO_CANARY}}
  - {match: [{uri: {prefix: /query}, queryParams: {beta: {exact: 'yes'}}}], ${TO_CANARY}}
  - {match: [{uri: {prefix: /source}, sourceNamespace: clients}], ${TO_CANARY}}
  - {match: [{uri: {exact: /redirect}}], redirect: {uri: /elsewhere, redirectCode: 302}}
  - {match: [{uri: {exact: /abort}}], fault: {abort: {httpStatus: 418, percentage: {value: 100}}}, ${TO_PRIMARY}}
  - match: [{uri: {exact: /delay}}]
    fault: {delay: {fixedDelay: 0.4s, percentage: {value: 100}}}
    ${TO_PRIMARY}
  - {match: [{uri: {exact: /timeout}}], timeout: 0.1s, retries: {attempts: 0}, ${TO_PRIMARY}, fault: {delay: {fixedDelay: 5s, percentage: {value: 100}}}}
  - {match: [{uri: {prefix: /delegated}}], delegate: {name: delegate, namespace: clients}}
  - match: [{uri: {exact: /affinity}}]
    route:
    - destination: {host: web, subset: canary}
      weight: 99
      headers: {response: {add: {set-cookie: 'side=canary; Max-Age=60'}}}
    - {destination: {host: web, subset: primary}, weight: 1}
  - match: [{uri: {exact: /mirrored}}]
    ${TO_PRIMARY}
    mirrors: [{destination: {host: web, subset: canary}, percentage: {value: 50}}]
  - match: [{uri: {exact: /mirrored-nowhere}}]
    ${TO_PRIMARY}
    mirror: {host: web, subset: nobody}
  - {headers: {response: {set: {x-route: rest}}}, ${TO_PRIMARY}}
`;
const DELEGATE = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: delegate, namespace: clients}
spec: {http: [{route: [{destination: {host: web.shop.svc.cluster.local, subset: canary}}]}]}
---`;

describe('a route of Istio’s', () => {
  const versionOf = async (path: string, headers = {}, proxy = world.inShop): Promise<unknown> =>
    (await ask(proxy, { path, headers })).headers['x-version'];
  let primary: unknown;

  beforeAll(async () => {
    await apply(DELEGATE + webRoute(EVERYTHING));
    for (const proxy of world.mesh.proxies) await routed(proxy, 'rest');
    primary = await versionOf('/');
  });

  it('matches headers, cookies, parameters and who asks', async () => {
    expect(await versionOf('/header', { 'x-beta': 'yes' })).toBe('v2');
    expect(await versionOf('/header', { 'x-beta': 'no' })).toBe(primary);
    expect(await versionOf('/cookie', { cookie: 'a=b; beta=yes; c=d' })).toBe('v2');
    expect(await versionOf('/cookie', { cookie: 'beta=no' })).toBe(primary);
    expect(await versionOf('/query?beta=yes')).toBe('v2');
    expect(await versionOf('/query?beta=no')).toBe(primary);
    expect(await versionOf('/source', {}, world.outside)).toBe('v2');
    expect(await versionOf('/source')).toBe(primary);
  });

  it('redirects, aborts, delays and times out', async () => {
    const redirected = await ask(world.inShop, { path: '/redirect' });
    expect([redirected.status, redirected.headers['location']]).toEqual([302, 'http://web.shop/elsewhere']);
    expect((await ask(world.inShop, { path: '/abort' })).status).toBe(418);
    const since = performance.now();
    expect((await ask(world.inShop, { path: '/delay' })).status).toBe(200);
    expect(performance.now() - since).toBeGreaterThan(390);
  });

  it('goes through a delegate of another namespace', async () => {
    expect(await versionOf('/delegated')).toBe('v2');
  });

  it('gives the answers of one destination a cookie', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(world.inShop, { path: '/affinity' })),
    );
    const sides = new Map(answers.map(({ headers }) => [headers['x-version'], headers['set-cookie']]));
    expect(sides.get('v2')).toEqual(['side=canary; Max-Age=60']);
    expect(sides.get(primary as string)).toBeUndefined();
  });

  it('sends copies, which the pods count, and whose failures no client meets', async () => {
    const copies = () => ofCanary('reporter="destination",source_workload="unknown"');
    const before = await copies();
    const { httpPort: port } = world.inShop;
    const load = startLoad({ port, host: 'web.shop', rps: 150, path: '/mirrored' });
    const lost = startLoad({ port, host: 'web.shop', rps: 20, path: '/mirrored-nowhere' });
    await loadUntil(load, 1000);
    const [counts] = await load.stop();
    await lost.stop();
    expect([...load.failures(), ...lost.failures()]).toEqual([]);
    expect(counts?.versions['v2']).toBeUndefined();
    const half = (counts?.requests ?? 0) / 2;
    await holds('copies counted', async () => Math.abs((await copies()) - before - half) < half / 5);
  });

  it('keeps a client with the pod that its cookie hashes to', async () => {
    const first = await ask(world.inShop, { host: 'pinned.shop' });
    const [cookie = ''] = first.headers['set-cookie'] as string[];
    expect(cookie).toMatch(/^pin="?\w+"?; Max-Age=60; Path=\//);
    const headers = { cookie: cookie.split(';')[0] };
    const again = await Promise.all(
      Array.from({ length: 20 }, () => ask(world.inShop, { host: 'pinned.shop', headers })),
    );
    expect(new Set(again.map((answer) => answer.headers['x-pod']))).toEqual(
      new Set([first.headers['x-pod']]),
    );
  });
});

describe('connections', () => {
  const ports = (port: number) =>
    Promise.all(world.mesh.proxies.map((proxy) => proxy.connectionPort('web.shop', port)));
  const SPLIT = `
  tcp:
  - match: [{port: 9000}]
    route: [{destination: {host: web, subset: primary}, weight: 70}, {destination: {host: web, subset: canary}, weight: 30}]
  tls:
  - match: [{port: 9443, sniHosts: [canary.example.com]}]
    route: [{destination: {host: web, subset: canary}}]
  - match: [{port: 9443, sniHosts: [split.example.com]}]
    route: [{destination: {host: web, subset: primary}, weight: 70}, {destination: {host: web, subset: canary}, weight: 30}]`;

  /** The version that each of so many connections came to. */
  const counted = async (port: number, serverName?: string, connections = CONNECTIONS) => {
    const named = serverName === undefined ? {} : { serverName };
    const load = startConnections({ port: await ports(port), rps: 100, ...named });
    await loadUntil(load, connections);
    const [counts] = await load.stop();
    return { ...counts!, failed: load.failures() };
  };
  const isRefused = async (port: number, serverName: string) => {
    const { failures, requests } = await counted(port, serverName, 20);
    return failures === requests;
  };

  it('go to every pod of the Service before they are routed', async () => {
    for (const [port, name] of [
      [9000, undefined],
      [9443, 'anything.example.com'],
    ] as const) {
      const { versions, failed, requests } = await counted(port, name, 100);
      expect(failed.slice(0, 5)).toEqual([]);
      expect(Object.keys(versions)).toContain('v2');
      expect(versions['v2']?.requests).toBeLessThan(requests);
    }
  });

  it('are shared by tcp routes, and by tls routes under the name they ask for', async () => {
    await apply(webRoute(`[{${TO_PRIMARY}}]`, 'web', SPLIT));
    // As in a mesh: no route for a name, no connection.
    await holds('the tls route', () => isRefused(9443, 'anything.example.com'));
    for (const [port, name] of [
      [9000, undefined],
      [9443, 'split.example.com'],
    ] as const) {
      const counts = await counted(port, name);
      expect(counts.failed.slice(0, 5)).toEqual([]);
      expect(Math.abs(shareIn(counts) - 30)).toBeLessThan(7);
    }
    const named = await counted(9443, 'canary.example.com', 100);
    expect({ failed: named.failed, versions: Object.keys(named.versions) }).toEqual({
      failed: [],
      versions: ['v2'],
    });
    expect(await isRefused(9443, 'anything.example.com')).toBe(true);
  });
});

describe('proxies', () => {
  const PRIVATE = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: own, namespace: clients}
spec:
  hosts: [web.shop.svc.cluster.local]
  exportTo: ["."]
  http: [{headers: {response: {set: {x-route: own}}}, route: [{destination: {host: web.shop.svc.cluster.local}}]}]
---`;

  it('obey what their namespace is shown', async () => {
    await apply(PRIVATE);
    await routed(world.outside, 'own');
    await apply(webRoute(`[${shares({ primary: 100 })}]`));
    await routed(world.inShop, '100');
    expect((await ask(world.outside)).headers['x-route']).toBe('own');
    await world.lab.kubectl(['delete', '-n', 'clients', 'virtualservice/own']);
    await routed(world.outside, '100');
  });

  it('learn of routes in their own time', async () => {
    const lagMs = 4_000;
    world.outside.setLag({ routeLagMs: lagMs });
    const since = Date.now();
    await apply(webRoute(`[${shares({ primary: 98, canary: 2 })}]`));
    const [first, second] = await Promise.all(
      [world.inShop, world.outside].map((proxy) => routed(proxy, '98-2').then(() => Date.now())),
    );
    world.outside.setLag({});
    expect(second).toBeGreaterThan(first ?? 0);
    expect((second ?? 0) - since).toBeGreaterThanOrEqual(lagMs);
  });
});
