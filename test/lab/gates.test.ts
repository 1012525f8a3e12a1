import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { annotationsOf } from '../../src/core/objects.ts';
import { eventually, imageOf, type Shop, SLOW, startWorld, uidsOf, type World, web } from './shop.ts';

// Changes that meet a run under way: what becomes of the run. What is admitted is in admission-table.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const marksOf = async (shop: Shop) => annotationsOf(await shop.deployment());

const openHeld = async (namespace: string): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations: SLOW });
  await shop.opens();
  await shop.apply(web('v2'));
  await shop.standsAt(50);
  return shop;
};

/** Every pod of the user's Deployment runs this tag; whatever is being deleted may still be there. */
const serves = (shop: Shop, tag: string, replicas = 2) =>
  eventually(async () => {
    const { status } = await shop.deployment();
    expect(status).toMatchObject({ availableReplicas: replicas });
    const living = (await shop.pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    expect(living.map((pod) => imageOf({ spec: { template: pod as never } }))).toEqual(
      Array.from({ length: replicas }, () => `web:${tag}`),
    );
  });

describe.concurrent('a change while a canary runs', () => {
  it('starts again with the newer template and leaves the primary alone', async () => {
    const shop = await openHeld('superseded');
    const before = { marks: await marksOf(shop), pods: uidsOf(await shop.pods()) };
    const { stdout, stderr } = await shop.apply(web('v3'), '-o', 'json');
    expect(stderr).toContain('Warning: kanari: canary of web starts again with this template');
    const admitted = annotationsOf(JSON.parse(stdout) as Awaited<ReturnType<Shop['deployment']>>);
    expect(admitted['kanari.dev/run']).not.toBe(before.marks['kanari.dev/run']);
    expect(admitted).toMatchObject({
      'kanari.dev/primary': before.marks['kanari.dev/primary'],
      'kanari.dev/weight': '0',
    });
    await eventually(async () => {
      const { status } = await shop.canary();
      expect(status?.run?.images).toEqual(['web:v3']);
      expect(status?.canaryWeight).toBe(50);
    });
    expect((await shop.canary()).status?.history).toMatchObject([
      { images: ['web:v2'], outcome: 'Superseded', reason: `superseded by ${admitted['kanari.dev/run']}` },
    ]);
    expect(imageOf(await shop.deployment('web-canary'))).toBe('web:v3');
    expect(uidsOf(await shop.pods())).toEqual(before.pods);
  });

  it('that opts out as well goes out at once, is told, and ends the run', async () => {
    const shop = await openHeld('opted-out-with-it');
    const manifest = web('v3');
    const labels = { 'kanari.dev/rollouts': 'disabled' };
    const { stderr } = await shop.apply({ ...manifest, metadata: { ...manifest.metadata, labels } });
    expect(stderr).toContain(
      'Warning: kanari: web is released without a canary: the Deployment is labelled kanari.dev/rollouts=disabled',
    );
    await serves(shop, 'v3');
    expect(await marksOf(shop)).not.toHaveProperty(['kanari.dev/run']);
    await eventually(async () => {
      await expect(shop.deployment('web-canary')).rejects.toThrow('NotFound');
      const told = (await shop.events()).filter(({ reason }) => reason === 'OptedOut');
      expect(told).toMatchObject([{ type: 'Warning', involvedObject: { kind: 'Deployment', name: 'web' } }]);
    });
    expect(await world.counter('kanari_ungated_changes_total', 'reason="OptedOut"')).toBe(1);
  });

  it('ends with the scaling to zero; scaling up again brings only the primary back', async () => {
    const shop = await openHeld('zero-while-held');
    await shop.kubectl(['scale', 'deployment/web', '--replicas=0']);
    await eventually(async () => {
      const { status } = await shop.canary();
      expect(status?.run?.endedAt).toBeDefined();
      expect(status?.history).toMatchObject([{ outcome: 'Aborted', reason: 'ScaledToZero' }]);
      expect(await shop.pods()).toEqual([]);
      await expect(shop.deployment('web-canary')).rejects.toThrow('NotFound');
    });
    await shop.kubectl(['scale', 'deployment/web', '--replicas=3']);
    await serves(shop, 'v1', 3);
    // The held template gets its canary all the same.
    await shop.standsAt(50);
    await serves(shop, 'v1', 3);
  });
});
