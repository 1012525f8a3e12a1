import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { Deployment, Pod } from '../../src/core/objects.ts';
import { answered, canaryShare, openShop, PLAIN_ROUTE, type Shop, stepStands } from './loaded-shop.ts';
import { eventually, type ReleaseWorld, startReleaseWorld } from './release-world.ts';

// What people do in the middle of a run, under load.

let world: ReleaseWorld;

beforeAll(async () => {
  world = await startReleaseWorld();
}, FIRST_START_MS);

afterAll(() => world?.lab.stop());

const open = (namespace: string, settings = {}): Promise<Shop> =>
  openShop(world, { namespace, settings, routes: PLAIN_ROUTE });

const promoted = (shop: Shop, outcomes: string[]): void => {
  expect(shop.status()?.phase).toBe('Succeeded');
  expect(shop.status()?.history.map(({ outcome }) => outcome)).toEqual(outcomes);
};

const deletePod = ({ namespace }: Shop, { metadata }: Pod): Promise<unknown> =>
  world.lab.api.request('DELETE', `/api/v1/namespaces/${namespace}/pods/${metadata.name}`);

describe('a run under load', () => {
  it.concurrent('is reverted without a failed request or a new pod', async () => {
    const shop = await open('reverted');
    const pods = await shop.primaryPods();
    await shop.optIn();
    await shop.apply('v2');
    await shop.reach('the first step', stepStands(20));
    await eventually(
      () => answered(shop, 'Progressing 20', 'v2') > 10 || undefined,
      () => 'traffic at the canary',
    );
    await shop.apply('v1');
    await shop.reach('the end', ({ phase, run }) => phase === 'Initialized' && run?.endedAt !== undefined);
    await shop.stop();
    expect(shop.load.failures().slice(0, 5)).toEqual([]);
    expect(shop.status()?.history.map(({ outcome }) => outcome)).toEqual(['Reverted']);
    expect(await shop.primaryPods()).toEqual(pods);
    expect(await shop.canaryPods()).toEqual([]);
    const path = '/apis/apps/v1/namespaces/reverted/deployments/web';
    expect((await world.lab.api.request<Deployment>('GET', path)).spec.paused).not.toBe(true);
  });

  it.concurrent('is overtaken by the next version without a failed request', async () => {
    const shop = await open('superseded');
    const pods = await shop.primaryPods();
    await shop.optIn();
    await shop.apply('v2');
    await shop.reach('the first step', stepStands(20));
    await shop.apply('v3');
    const { run } = await shop.reach('the next run', ({ history }) => history[0]?.outcome === 'Superseded');
    await shop.reach('its first step', (now) => now.run?.id === run?.id && stepStands(20)(now));
    expect(await shop.primaryPods()).toEqual(pods);
    await shop.reach('the end', ({ phase }) => phase === 'Succeeded' || phase === 'Failed');
    await shop.stop();
    expect(shop.load.failures().slice(0, 5)).toEqual([]);
    promoted(shop, ['Promoted', 'Superseded']);
    expect(answered(shop, 'Progressing 50', 'v2')).toBe(0);
    expect(answered(shop, 'Progressing 50', 'v3')).toBeGreaterThan(0);
  });

  it.concurrent('loses no request with one of its two canary pods', async () => {
    const shop = await open('one-of-two', { steps: '50' });
    await shop.optIn();
    await shop.apply('v2');
    await shop.reach('the step', stepStands(50));
    const [first] = await shop.canaryPods();
    if (first !== undefined) await deletePod(shop, first);
    await shop.reach('the end', ({ phase }) => phase === 'Succeeded' || phase === 'Failed');
    await shop.stop();
    expect(first?.metadata.name).toContain('web-canary-');
    expect(shop.load.failures().slice(0, 5)).toEqual([]);
    promoted(shop, ['Promoted']);
  });

  // A subset without an endpoint cannot answer: what counts is that its share is taken away, and given back.
  it.concurrent('takes the share from a canary that lost its only pod, and goes on with the next', async () => {
    const shop = await open('last-pod');
    await shop.optIn();
    await shop.apply('v2-start3');
    await shop.reach('the first step', stepStands(20));
    for (const pod of await shop.canaryPods()) await deletePod(shop, pod);
    const lost = shop.routes.length;
    await shop.reach('the loss', ({ reason, canaryWeight }) => reason === 'CanaryLost' && canaryWeight === 0);
    await eventually(
      () => shop.routes.slice(lost).some(({ seen }) => canaryShare(seen) === 0) || undefined,
      () => 'no share for a canary without a pod',
    );
    await shop.reach('the end', ({ phase }) => phase === 'Succeeded' || phase === 'Failed');
    await shop.stop();
    promoted(shop, ['Promoted']);
    // Only in the share of the canary, and only between the loss and the weight: the proxy's own 503.
    const failures = shop.load.failures();
    expect(failures.filter(({ status, version }) => status !== 503 || version !== undefined)).toEqual([]);
    expect(failures.filter(({ phase }) => phase !== 'Progressing 20' && phase !== 'Progressing 0')).toEqual(
      [],
    );
    expect(failures.length).toBeLessThan(shop.load.total().requests / 50);
  });
});
