import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { Deployment } from '../../src/core/objects.ts';
import { canaryShare, openShop, PLAIN_ROUTE, type Shop, stepStands } from './loaded-shop.ts';
import { type Pauses, watchPauses } from './pauses.ts';
import { eventually, type ReleaseWorld, startReleaseWorld } from './release-world.ts';

// A bad release: withdrawn on evidence, at once, and nobody but the canary's own share has met it.

let world: ReleaseWorld;

beforeAll(async () => {
  world = await startReleaseWorld();
}, FIRST_START_MS);

afterAll(() => world?.lab.stop());

// From the deciding check to weight 0 one second of the machine is allowed; the two watches that tell may differ a little.
const WITHDRAWN_WITHIN_MS = 1_000;
const WATCH_MS = 250;

/** From the status that decided to the route that has no share for the canary, without what nobody could do anything in. */
const withdrawalMs = ({ statuses, routes }: Shop, pauses: Pauses): number => {
  const decided = statuses.find(({ seen }) => seen.run?.ending?.outcome === 'RolledBack')?.at;
  const shared = routes.findIndex(({ seen }) => (canaryShare(seen) ?? 0) > 0);
  const withdrawn = routes.slice(shared).find(({ seen }) => canaryShare(seen) === 0)?.at;
  if (shared < 0 || withdrawn === undefined || decided === undefined) return Number.NaN;
  return withdrawn - decided - pauses.longestMs(decided, withdrawn);
};

const deploymentOf = ({ namespace }: Shop): Promise<Deployment> =>
  world.lab.api.request<Deployment>('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/web`);

const rolloutStatus = ({ namespace }: Shop) =>
  world.lab.kubectl(['rollout', 'status', '-n', namespace, 'deployment/web', '--timeout=180s'], {
    allowFailure: true,
  });

/** Applies a bad v3 over v2, and what must hold of its end. */
const rolledBack = async (shop: Shop, tag: string): Promise<void> => {
  await shop.optIn();
  const pauses = watchPauses(world.lab);
  await shop.apply(tag);
  await shop.reach('the end', ({ phase }) => phase === 'Succeeded' || phase === 'Failed');
  expect(shop.status()).toMatchObject({ phase: 'Failed', history: [{ outcome: 'RolledBack' }] });
  const failed = await rolloutStatus(shop);
  expect({ code: failed.code, said: failed.stderr }).toEqual({
    code: 1,
    said: expect.stringContaining('exceeded its progress deadline'),
  });
  await pauses.stop();
  expect(withdrawalMs(shop, pauses)).toBeLessThan(WITHDRAWN_WITHIN_MS + WATCH_MS);
  expect(await shop.canaryPods()).toEqual([]);
};

/** What a GitOps tool does that goes on wanting v3: the failed revision is remembered, and nothing runs. */
const wantedAgain = async (shop: Shop, tag: string): Promise<void> => {
  await shop.apply('v2');
  await shop.reach('the revert', ({ phase }) => phase === 'Initialized');
  expect((await rolloutStatus(shop)).code).toBe(0);
  await shop.apply(tag);
  await shop.reach('the refusal', ({ phase, reason }) => phase === 'Failed' && reason === 'FailedBefore');
  await eventually(
    async () => (await rolloutStatus(shop)).code === 1 || undefined,
    () => 'the failed condition is shown again',
  );
  expect(shop.status()?.history).toHaveLength(1);
  expect(await shop.canaryPods()).toEqual([]);
};

describe.concurrent('a bad release', () => {
  it('is withdrawn, and can be taken back', async () => {
    const tag = 'v3-errors10';
    const shop = await openShop(world, { namespace: tag, tag: 'v2', routes: PLAIN_ROUTE });
    const pods = await shop.primaryPods();
    await rolledBack(shop, tag);
    await wantedAgain(shop, tag);
    await shop.apply('v2');
    await shop.reach('the revert', ({ phase }) => phase === 'Initialized');
    await eventually(
      async () => (await deploymentOf(shop)).spec.paused !== true || undefined,
      () => 'released',
    );
    expect((await rolloutStatus(shop)).code).toBe(0);
    expect(await shop.primaryPods()).toEqual(pods);
    await shop.stop();
    const failures = shop.load.failures();
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.filter(({ version, status }) => version !== tag || status !== 500)).toEqual([]);
  });
});

describe.concurrent('a canary', () => {
  // A subset without an endpoint cannot answer: what counts is that its share is taken away, and given back.
  it('that loses its only pod loses its share, and the run goes on with the next', async () => {
    const settings = { interval: '15s' };
    const shop = await openShop(world, { namespace: 'last-pod', routes: PLAIN_ROUTE, settings });
    await shop.optIn();
    // EndpointSlices may be five seconds late: they are to show a canary without a pod before the next one is ready.
    await shop.apply('v2-start8');
    await shop.reach('the first step', stepStands(20));
    for (const { metadata } of await shop.canaryPods())
      await world.lab.api.request('DELETE', `/api/v1/namespaces/last-pod/pods/${metadata.name}`);
    const lost = shop.routes.length;
    await shop.reach('the loss', ({ reason, canaryWeight }) => reason === 'CanaryLost' && canaryWeight === 0);
    await eventually(
      () => shop.routes.slice(lost).some(({ seen }) => canaryShare(seen) === 0) || undefined,
      () => 'no share for a canary without a pod',
    );
    await shop.reach('the end', ({ phase }) => phase === 'Succeeded' || phase === 'Failed');
    await shop.stop();
    expect(shop.status()).toMatchObject({ phase: 'Succeeded', history: [{ outcome: 'Promoted' }] });
    // Only in the share of the canary, and only between the loss and the weight: the proxy's own 503.
    const failures = shop.load.failures();
    expect(failures.filter(({ status, version }) => status !== 503 || version !== undefined)).toEqual([]);
    expect(failures.filter(({ phase }) => phase !== 'Progressing 20' && phase !== 'Progressing 0')).toEqual(
      [],
    );
    expect(failures.length).toBeLessThan(shop.load.total().requests / 50);
  });
});
