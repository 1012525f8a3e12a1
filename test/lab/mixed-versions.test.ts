import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { Deployment, ReplicaSet } from '../../src/core/objects.ts';
import { eventually, hearsOfOrphans, imageOf, type Shop, SLOW, startWorld, type World, web } from './shop.ts';

// Pods of two versions run and nothing will change that by itself: a hold would freeze the mixture.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const skipping = (tag: string, spec = {}) =>
  web(tag, { replicas: 3, annotations: { 'kanari.dev/skip': tag }, spec });

const serving = async (shop: Shop): Promise<ReplicaSet[]> =>
  (await shop.list<ReplicaSet>('replicasets')).filter(({ spec }) => (spec.replicas ?? 0) > 0);

const RESUME = ['patch', 'deployment/web', '--type=merge', '-p', '{"spec":{"paused":null}}'];
const V3 = web('v3', { replicas: 3 });

/** Waits for what admission would say: the ReplicaSets that it goes by are in a cache. */
const wouldSay = (shop: Shop, words: string, args: readonly string[], manifest?: Deployment) =>
  eventually(async () => {
    const { stderr } = await shop.tryKubectl([...args, '--dry-run=server'], manifest);
    expect(stderr).toContain(words);
  });

/** Stuck in the rolling update from v1 to a v2 that takes its time. */
const openMixed = async (namespace: string): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations: SLOW });
  await shop.opens(web('v1', { replicas: 3 }));
  await shop.apply(skipping('v2-start600'));
  await eventually(async () => expect(await serving(shop)).toHaveLength(2));
  return shop;
};

const expectReleased = async (shop: Shop, stderr: string): Promise<void> => {
  expect(stderr).toContain(
    'Warning: kanari: web is released without a canary: pods of several versions run: there is no one version to compare with',
  );
  expect((await shop.deployment()).spec.paused ?? false).toBe(false);
  await shop.settles();
  expect((await serving(shop)).map(imageOf)).toEqual(['web:v3']);
  await eventually(async () => {
    const told = (await shop.events()).filter(({ reason }) => reason === 'MixedVersions');
    expect(told).toMatchObject([{ type: 'Warning', involvedObject: { name: 'web' } }]);
  });
};

const counted = () => world.counter('kanari_ungated_changes_total', 'reason="MixedVersions"');

describe('over the pods of two versions', () => {
  it('a resume with a third goes out, and is told', async () => {
    const shop = await openMixed('paused-midway');
    await shop.kubectl(['rollout', 'pause', 'deployment/web']);
    await shop.kubectl(['set', 'image', 'deployment/web', 'web=web:v3']);
    await wouldSay(shop, 'pods of several versions run', RESUME);
    const before = await counted();
    const { stderr } = await shop.kubectl(['rollout', 'resume', 'deployment/web']);
    await expectReleased(shop, stderr);
    expect(await counted()).toBe(before + 1);
  });

  it('left by a deletion with orphan propagation, a creation goes out, and is told', async () => {
    const shop = await openMixed('orphaned-midway');
    await shop.kubectl(['delete', 'deployment', 'web', '--cascade=orphan']);
    await hearsOfOrphans(shop, 'pods of several versions run');
    const before = await counted();
    const { stderr } = await shop.apply(V3);
    await expectReleased(shop, stderr);
    expect(await counted()).toBe(before + 1);
  });

  it('moving, another change is refused until the rolling update is complete', async () => {
    const shop = await openMixed('moving');
    await wouldSay(shop, 'is in the middle of a rolling update', ['apply', '-f', '-'], V3);
    const { code, stderr } = await shop.tryKubectl(['apply', '-f', '-'], V3);
    expect([code, stderr]).toEqual([1, expect.stringContaining('is in the middle of a rolling update')]);
  });
});
