import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../../lab/lab.ts';
import { type Failure, type Load, startLoad } from '../../../lab/load.ts';
import type { KubeObject } from '../../../src/core/objects.ts';
import type { CanaryStatus } from '../../../src/core/run.ts';
import { plainGatewayRoute, startContourWorld } from '../contour-world.ts';
import { openShop, type Shop, stepStands } from '../loaded-shop.ts';
import { eventually, type ReleaseWorld } from '../release-world.ts';

// Releases behind a real Gateway, under constant load of clients that keep their connections and of others that don't.

let world: ReleaseWorld;

beforeAll(async () => {
  world = await startContourWorld();
}, FIRST_START_MS);

afterAll(() => world?.lab.stop());

interface Clients {
  phase(name: string): void;
  failures(): Failure[];
  /** Requests of a phase, by the version that answered. */
  answered(phase: string): { all: number; by: (version: string) => number };
  stop(): Promise<void>;
}

const startClients = ({ namespace }: Shop, rps: number): Clients => {
  const options = { port: world.mesh.httpPort, host: `web.${namespace}`, rps: rps / 2 };
  const loads: Load[] = [startLoad(options), startLoad({ ...options, keepAlive: false })];
  const countsOf = (phase: string) =>
    loads.flatMap((load) => load.counts()).filter((counts) => counts.phase === phase);
  const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0);
  return {
    phase: (name) => {
      for (const load of loads) load.phase(name);
    },
    failures: () => loads.flatMap((load) => load.failures()),
    answered: (phase) => ({
      all: sum(countsOf(phase).map(({ requests }) => requests)),
      by: (version) => sum(countsOf(phase).map(({ versions }) => versions[version]?.requests ?? 0)),
    }),
    stop: async () => void (await Promise.all(loads.map((load) => load.stop()))),
  };
};

const openGatewayShop = (namespace: string, settings: Record<string, string>): Promise<Shop> =>
  openShop(world, { namespace, mesh: false, rps: 0, routes: plainGatewayRoute(namespace), settings });

const KINDS = [
  '/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes',
  '/api/v1/namespaces/{}/services',
];

const objectsOf = async ({ namespace }: Shop): Promise<(KubeObject & { spec?: object })[]> => {
  const get = (path: string) =>
    world.lab.api.request<{ items: KubeObject[] }>('GET', path.replace('{}', namespace));
  return (await Promise.all(KINDS.map(get))).flatMap(({ items }) => items);
};

/** Those that end too. */
const podsOf = async ({ namespace }: Shop): Promise<KubeObject[]> => {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  return (await world.lab.api.request<{ items: KubeObject[] }>('GET', path)).items;
};

/** What the user has written, byte for byte. */
const bytesOf = (objects: (KubeObject & { spec?: object })[]): string[] =>
  objects.map(({ metadata: { name, labels, annotations }, spec }) =>
    JSON.stringify({ name, labels, annotations, spec }),
  );

/** That the run has left nothing behind: no object, no field, no owner of one. */
const expectUntouched = async (shop: Shop, before: string[]): Promise<void> => {
  const after = await objectsOf(shop);
  expect(bytesOf(after)).toEqual(before);
  const owners = after.flatMap(
    ({ metadata }) => (metadata as { managedFields?: { manager?: string }[] }).managedFields,
  );
  expect(owners.map((owner) => owner?.manager)).not.toContain('kanari');
  expect(await shop.canaryPods()).toEqual([]);
};

const isOver = ({ phase }: CanaryStatus): boolean => phase === 'Succeeded' || phase === 'Failed';
const isOf =
  (tag: string) =>
  ({ run }: CanaryStatus): boolean =>
    run?.images.includes(`web:${tag}`) === true;

// At 200 requests per second so many at each step that chance alone is three points off once in 40,000 runs.
const MEASURED = { steps: '10,20', interval: '16s' };

describe('behind a Gateway', () => {
  it('a good release fails no request, has the share of its weight, and leaves no trace', async () => {
    const shop = await openGatewayShop('good', MEASURED);
    const before = bytesOf(await objectsOf(shop));
    const pods = await shop.primaryPods();
    const clients = startClients(shop, 200);
    await shop.optIn();
    await shop.apply('v2');
    for (const weight of [10, 20]) {
      await shop.reach(`${weight} %`, stepStands(weight));
      expect(await shop.primaryPods()).toEqual(pods);
      clients.phase(`at ${weight}`);
      await shop.reach('its end', (status) => !stepStands(weight)(status));
      clients.phase('between');
    }
    await shop.reach('the end', isOver);
    await world.lab.kubectl(['rollout', 'status', '-n', 'good', 'deployment/web', '--timeout=180s']);
    // A pod of v1 that ends goes on answering until the Gateway has learnt of it.
    await eventually(
      async () => (await podsOf(shop)).length === pods.length || undefined,
      () => 'no pod of v1',
    );
    clients.phase('after');
    await eventually(
      () => clients.answered('after').all > 400 || undefined,
      () => 'traffic after the end',
    );
    await clients.stop();
    await shop.stop();

    expect(shop.status()).toMatchObject({ phase: 'Succeeded', history: [{ outcome: 'Promoted' }] });
    expect(clients.failures().slice(0, 5)).toEqual([]);
    expect(clients.answered('after').by('v2')).toBe(clients.answered('after').all);
    for (const weight of [10, 20]) {
      const { all, by } = clients.answered(`at ${weight}`);
      expect(all).toBeGreaterThanOrEqual(2_000);
      expect(Math.abs((100 * by('v2')) / all - weight)).toBeLessThanOrEqual(3);
    }
    await expectUntouched(shop, before);
  });

  it.concurrent('a bad release is withdrawn on what the Gateway counts, and only it fails requests', async () => {
    const shop = await openGatewayShop('bad', { steps: '20,50' });
    const before = bytesOf(await objectsOf(shop));
    const pods = await shop.primaryPods();
    const clients = startClients(shop, 100);
    await shop.optIn();
    await shop.apply('v2-errors20');
    await shop.reach('the end', isOver);
    await eventually(
      async () => (await shop.canaryPods()).length === 0 || undefined,
      () => 'no canary',
    );
    await clients.stop();
    await shop.stop();

    expect(shop.status()).toMatchObject({ phase: 'Failed', history: [{ outcome: 'RolledBack' }] });
    const failures = clients.failures();
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.filter(({ version, status }) => version !== 'v2-errors20' || status !== 500)).toEqual([]);
    expect(await shop.primaryPods()).toEqual(pods);
    await expectUntouched(shop, before);
  });

  it.concurrent('a release that supersedes a failing one is not charged with its errors', async () => {
    // Its errors are seen, and the next release applied, long before the first is over.
    const settings = { steps: '20,50', interval: '20s', 'success-rate': '90' };
    const shop = await openGatewayShop('superseded', settings);
    const clients = startClients(shop, 100);
    await shop.optIn();
    await shop.apply('v2-errors5');
    await shop.reach('errors of v2', ({ run }) => (run?.evidence?.total.errors ?? 0) > 1);
    await shop.apply('v3');
    await shop.reach('the end of v3', (status) => isOver(status) && isOf('v3')(status));
    await clients.stop();
    await shop.stop();

    expect(shop.status()?.history.map(({ outcome }) => outcome)).toEqual(['Promoted', 'Superseded']);
    const evidence = shop.statuses
      .filter(({ seen }) => isOf('v3')(seen))
      .map(({ seen }) => seen.run?.evidence);
    expect(evidence.some((each) => (each?.total.requests ?? 0) > 100)).toBe(true);
    expect(evidence.map((each) => each?.total.errors ?? 0).filter((errors) => errors > 0)).toEqual([]);
    expect(clients.failures().filter(({ version }) => version !== 'v2-errors5')).toEqual([]);
  });
});
