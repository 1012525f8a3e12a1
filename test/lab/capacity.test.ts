import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { KubeObject, Pod } from '../../src/core/objects.ts';
import { eventually, QUICK, type Shop, SLOW, startWorld, type World, web, webService } from './shop.ts';

// Pods that a canary or a promotion can't have, or loses; and workers, to whom nobody sends anything.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const ISTIO = { 'kanari.dev/traffic': 'istio' };

const quota = (pods: number): KubeObject & { spec: object } => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'pods' },
  spec: { hard: { pods: String(pods) } },
});

/** The controller has counted, so that the limit counts. */
const limitTo = async (shop: Shop, pods: number): Promise<void> => {
  await shop.apply(quota(pods));
  await eventually(async () => {
    const { status } = await shop.get<KubeObject & { status?: { hard?: { pods?: string } } }>(
      'resourcequotas',
      'pods',
    );
    expect(status?.hard?.pods).toBe(String(pods));
  });
};

const statusOf = async (shop: Shop) => (await shop.canary()).status;

/** Events follow what they tell of. */
const tells = (shop: Shop, message: unknown) =>
  eventually(async () => {
    const told = (await shop.events()).map((event) => event.message);
    expect(told).toContainEqual(message);
  });

const canaryPods = async (shop: Shop): Promise<Pod[]> =>
  (await shop.list<Pod>('pods')).filter(({ metadata }) => metadata.name.startsWith('web-canary-'));

describe.concurrent('a quota', () => {
  it('without room for a canary is told in its own words, and the run goes on when there is', async () => {
    const shop = await world.openShop('no-room', { annotations: { ...SLOW, ...ISTIO } });
    await shop.opens();
    await limitTo(shop, 2);
    await shop.apply(web('v2'));
    await eventually(async () => {
      const status = await statusOf(shop);
      expect(status?.message).toMatch(/^0 of 1 canary pods ready \(.*exceeded quota: pods/);
      expect(status).toMatchObject({ reason: 'CanaryNotReady', canaryWeight: 0 });
    });
    await limitTo(shop, 3);
    await shop.standsAt(50);
  });

  it('without room for a later step rolls back from the weight that stood, by the deadline', async () => {
    const shop = await world.openShop('no-more-room', {
      annotations: { ...SLOW, ...ISTIO, 'kanari.dev/steps': '25,50' },
    });
    await shop.opens(web('v1', { replicas: 4 }));
    await limitTo(shop, 5);
    await shop.apply(web('v2', { replicas: 4 }));
    await shop.standsAt(25);
    // Time enough for the API server's refusal to be known, and only from here on.
    await shop.goesOn({ 'kanari.dev/interval': '5s', 'kanari.dev/progress-deadline': '30s' });
    const { status } = await shop.reaches('Failed');
    expect(status?.message).toMatch(/^1 of 2 canary pods ready \(.*exceeded quota: pods/);
    expect(await shop.pods()).toHaveLength(4);
  });

  it('without room for a rolling update gets the pods of the canary, and the promotion goes on', async () => {
    const shop = await world.openShop('no-surge', { annotations: { ...QUICK, ...ISTIO } });
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
    await shop.opens(web('v1', { spec: { strategy } }));
    await limitTo(shop, 3);
    await shop.apply(web('v2', { spec: { strategy } }));
    await shop.reaches('Succeeded');
    await tells(
      shop,
      expect.stringMatching(/^the canary makes room for the rolling update, .*exceeded quota: pods/),
    );
    await shop.settles();
  });
});

describe.concurrent('a canary', () => {
  it('whose pod is evicted loses its weight, gets another pod and has its weight again', async () => {
    const shop = await world.openShop('evicted', { annotations: { ...SLOW, ...ISTIO } });
    await shop.opens();
    // Its successor takes so long that nobody can miss the time without one.
    await shop.apply(web('v2-start5'));
    await shop.standsAt(50);
    const [victim] = await canaryPods(shop);
    const name = victim?.metadata.name ?? '';
    await world.lab.api.request('POST', `/api/v1/namespaces/${shop.namespace}/pods/${name}/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name },
    });
    await eventually(async () => expect(await statusOf(shop)).toMatchObject({ failedChecks: 1 }));
    await shop.standsAt(50);
    await eventually(async () =>
      expect((await canaryPods(shop)).map(({ metadata }) => metadata.name)).not.toContain(name),
    );
  });

  it('whose image can not be pulled says so, and is rolled back by the deadline', async () => {
    // Time enough for the kubelet's words, and before Kanari's patience with such an image ends.
    const annotations = { ...QUICK, ...ISTIO, 'kanari.dev/progress-deadline': '20s' };
    const shop = await world.openShop('no-image', { annotations });
    await shop.opens();
    await shop.apply(web('v2-pullfail'));
    const { status } = await shop.reaches('Failed');
    expect(status?.message).toMatch(/^0 of 1 canary pods ready \(web-canary-.*: ImagePullBackOff\)$/);
  });

  it('whose pods a PodDisruptionBudget counts as the primary’s is told of it', async () => {
    const shop = await world.openShop('budgeted', { annotations: { ...SLOW, ...ISTIO } });
    await shop.opens();
    await shop.apply({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'keep' },
      spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } },
    } as KubeObject);
    await shop.apply(web('v2'));
    await tells(shop, expect.stringMatching(/^the PodDisruptionBudget keep \(minAvailable: 2\)/));
  });
});

describe.concurrent('without routes', () => {
  it('the share is what pods can make of it, and the primary keeps its own number', async () => {
    const annotations = { ...SLOW, 'kanari.dev/steps': '10,50' };
    const shop = await world.openShop('by-count', { annotations });
    await shop.opens(web('v1', { replicas: 4 }));
    await shop.apply(web('v2', { replicas: 4 }));
    const { status } = await shop.standsAt(10);
    expect(status?.message).toContain('canary weight 10 % (1 of 5 pods: 20 %)');
    await shop.goesOn();
    await shop.reaches('Succeeded');
    await tells(shop, 'Advance web canary weight 50 (4 of 8 pods: 50 %)');
    await shop.settles();
    expect(await shop.pods()).toHaveLength(4);
  });

  it('a worker goes by pods, time and their signals; no Service, no route, nothing of the kind is made', async () => {
    const shop = await world.openShop('worker', { annotations: QUICK });
    await shop.apply(web('v1', { replicas: 3 }));
    await shop.settles();
    await shop.apply(web('v2', { replicas: 3 }));
    const { status } = await shop.reaches('Succeeded');
    expect(status?.checks).toMatchObject([{ metric: 'readiness', verdict: 'pass' }]);
    for (const kind of ['services', 'virtualservices', 'destinationrules'])
      expect(await shop.list(kind)).toEqual([]);
    await tells(shop, 'Advance web canary weight 50 (3 of 6 pods: 50 %)');
    await shop.settles();
  });

  it('a worker with a Service of its own is left alone where it says so', async () => {
    const annotations = { ...QUICK, 'kanari.dev/traffic': 'none' };
    const shop = await world.openShop('worker-with-service', { annotations });
    await shop.opens();
    const before = await shop.get('services', webService.metadata.name);
    await shop.apply(web('v2'));
    await shop.reaches('Succeeded');
    expect(await shop.get('services', webService.metadata.name)).toEqual(before);
    expect(await shop.list('virtualservices')).toEqual([]);
  });
});
