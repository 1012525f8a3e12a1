import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { VirtualService } from '../../lab/mesh-objects.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import { answered, canaryShare, openShop, type Shop, stepStands } from './loaded-shop.ts';
import { eventually, type ReleaseWorld, startReleaseWorld } from './release-world.ts';

// A good release under constant load over every kind of route: nobody may notice. The matrix in traffic/ has the rest.

let world: ReleaseWorld;

beforeAll(async () => {
  world = await startReleaseWorld();
}, FIRST_START_MS);

afterAll(() => world?.lab.stop());

const objectsOf = async <T extends KubeObject>(shop: Shop, plural: string): Promise<T[]> => {
  const path = `/apis/networking.istio.io/v1/namespaces/${shop.namespace}/${plural}`;
  return (await world.lab.api.request<{ items: T[] }>('GET', path)).items;
};

/** What the user has written of each route, byte for byte. */
const bytesOf = (routes: VirtualService[]): string[] =>
  routes.map(({ metadata: { name, labels, annotations }, spec }) =>
    JSON.stringify({ name, labels, annotations, spec }),
  );

/** One whole release of v2 over v1, with what must hold for each, whatever routes the user has. */
const release = async (shop: Shop): Promise<void> => {
  const pods = await shop.primaryPods();
  const routes = bytesOf(await objectsOf(shop, 'virtualservices'));
  await shop.optIn();
  expect(await shop.primaryPods()).toEqual(pods);
  await shop.apply('v2');
  await shop.reach('the first step', stepStands(20));
  expect(await shop.primaryPods()).toEqual(pods);
  await shop.reach('the end', ({ phase }) => phase === 'Succeeded' || phase === 'Failed');
  await world.lab.kubectl(['rollout', 'status', '-n', shop.namespace, 'deployment/web', '--timeout=180s']);
  await eventually(
    () => answered(shop, 'Succeeded 0', 'v2') > 100 || undefined,
    () => 'traffic after the end',
  );
  await shop.stop();

  expect(shop.load.failures().slice(0, 5)).toEqual([]);
  expect(shop.status()).toMatchObject({ phase: 'Succeeded', history: [{ outcome: 'Promoted' }] });
  for (const weight of [20, 50]) {
    expect(answered(shop, `Progressing ${weight}`, 'v2')).toBeGreaterThan(0);
    expect(answered(shop, `Progressing ${weight}`, 'v1')).toBeGreaterThan(0);
  }
  expect(answered(shop, 'Progressing 0', 'v2')).toBe(0);
  expect(await shop.canaryPods()).toEqual([]);
  expect(bytesOf(await objectsOf(shop, 'virtualservices'))).toEqual(routes);
  expect(await objectsOf(shop, 'destinationrules')).toEqual([]);
};

const namesKanari = async (shop: Shop, kind: string): Promise<boolean> => {
  const args = ['get', kind, '-n', shop.namespace, '-o', 'yaml', '--show-managed-fields'];
  return (await world.lab.kubectl(args)).stdout.includes('kanari');
};

describe('a good release', () => {
  it('gives every kind of route back exactly', async () => {
    const shop = await openShop(world, { namespace: 'many-routes', routes: MANY_ROUTES });
    await release(shop);
    expect(await namesKanari(shop, 'virtualservices')).toBe(false);
    const first = shop.routes.filter(({ seen }) => seen.metadata.name === 'web');
    expect(new Set(first.map(({ seen }) => canaryShare(seen)))).toEqual(new Set([undefined, 0, 20, 50]));
  });
});

// The first is the one under load; the others name hosts that nobody asks for here. Written as users do: weights
// absent, unequal to 100 when divided, foreign destinations, subsets of nobody's, fields that Kanari doesn't know.
const MANY_ROUTES = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - name: api
    match: [{uri: {prefix: /api}}]
    retries: {attempts: 0}
    timeout: 7.5s
    route: [{destination: {host: web}, headers: {response: {set: {x-route: api}}}}]
  - retries: {attempts: 0}
    route: [{destination: {host: web.many-routes.svc.cluster.local, port: {number: 80}}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: thirds, annotations: {example.com/keep: "yes"}}
spec:
  hosts: [thirds.example.com]
  gateways: [mesh, edge]
  http:
  - route:
    - {destination: {host: web}, weight: 33}
    - {destination: {host: db}, weight: 33}
    - {destination: {host: search.elsewhere.svc.cluster.local}, weight: 34}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: mirrored}
spec:
  hosts: [mirrored.example.com]
  http:
  - route: [{destination: {host: db}}]
    mirror: {host: web}
    mirrorPercentage: {value: 12.5}
  - match: [{headers: {x-user: {exact: jo}}}]
    fault: {delay: {percentage: {value: 0.1}, fixedDelay: 5s}}
    route: [{destination: {host: web}, weight: 100}, {destination: {host: db}, weight: 0}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: tcp}
spec:
  hosts: [tcp.example.com]
  tcp:
  - match: [{port: 9000}]
    route: [{destination: {host: web}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: foreign}
spec:
  hosts: [foreign.example.com]
  http:
  - route: [{destination: {host: db}, weight: 50}, {destination: {host: cache}, weight: 50}]
`;
