import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { annotationsOf, type Pod } from '../../src/core/objects.ts';
import { eventually, imageOf, type Shop, SLOW, startWorld, uidsOf, type World, web } from './shop.ts';

// Changes that meet a hold, or a Deployment that can't be held.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const marksOf = async (shop: Shop) => annotationsOf(await shop.deployment());
const atWeight = (shop: Shop, weight: number) =>
  eventually(async () => expect((await shop.canary()).status?.canaryWeight).toBe(weight));

const openHeld = async (namespace: string): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations: SLOW });
  await shop.opens();
  await shop.apply(web('v2'));
  await atWeight(shop, 50);
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

  it('is not released by a person who resumes it, but told how to', async () => {
    const shop = await openHeld('resumed');
    const before = await shop.deployment();
    const { stderr } = await shop.kubectl(['rollout', 'resume', 'deployment/web']);
    expect(stderr).toContain('Warning: kanari: web stays held.');
    expect(stderr).toContain('kubectl annotate canary web kanari.dev/command=promote');
    const after = await shop.deployment();
    expect(after.spec).toEqual(before.spec);
    expect(annotationsOf(after)).toEqual(annotationsOf(before));
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
    await atWeight(shop, 50);
    await serves(shop, 'v1', 3);
  });
});

describe.concurrent("a person's pause", () => {
  it('gathers changes; what it gathered is held when it ends', async () => {
    const shop = await world.openShop('user-pause', { annotations: SLOW });
    await shop.opens();
    const before = uidsOf(await shop.pods());
    await shop.kubectl(['rollout', 'pause', 'deployment/web']);
    const { stderr } = await shop.kubectl(['set', 'image', 'deployment/web', 'web=web:v2']);
    expect(stderr).toContain('web is paused by you: what changed becomes a canary when you resume it');
    expect(await marksOf(shop)).not.toHaveProperty(['kanari.dev/run']);

    const resumed = await shop.kubectl(['rollout', 'resume', 'deployment/web']);
    expect(resumed.stderr).toContain('Warning: kanari: canary of web started');
    expect((await shop.deployment()).spec.paused).toBe(true);
    expect(await marksOf(shop)).toHaveProperty(['kanari.dev/run']);
    await atWeight(shop, 50);
    expect(uidsOf(await shop.pods())).toEqual(before);
  });

  it('that gathered nothing ends as it always did', async () => {
    const shop = await world.openShop('user-pause-only', { annotations: SLOW });
    await shop.opens();
    await shop.kubectl(['rollout', 'pause', 'deployment/web']);
    const { stderr } = await shop.kubectl(['rollout', 'resume', 'deployment/web']);
    expect(stderr).toBe('');
    expect((await shop.deployment()).spec.paused ?? false).toBe(false);
  });
});

/** Says once, at the terminal, in an Event and in a counter, that a change went out without a canary. */
const goesOut = async (shop: Shop, reason: string, change: () => Promise<{ stderr: string }>) => {
  const ungated = () => world.counter('kanari_ungated_changes_total', `reason="${reason}"`);
  const before = await ungated();
  const { stderr } = await change();
  expect(stderr).toContain('Warning: kanari: web is released without a canary: ');
  const { metadata, spec } = await shop.deployment();
  expect(spec.paused ?? false).toBe(false);
  expect(annotationsOf({ metadata })).not.toHaveProperty(['kanari.dev/run']);
  expect(spec.template.metadata?.labels).toMatchObject({ 'kanari.dev/version': 'primary' });
  await eventually(async () => {
    const told = (await shop.events()).filter((event) => event.reason === reason);
    expect(told).toMatchObject([{ type: 'Warning', involvedObject: { kind: 'Deployment', name: 'web' } }]);
    expect(told[0]?.message).toContain('released without a canary');
  });
  expect(await ungated()).toBe(before + 1);
};

/** As its probe would; the lab's kubelet does not look again. */
const failReadiness = ({ metadata }: Pod) =>
  world.lab.api.request(
    'PATCH',
    `/api/v1/namespaces/${metadata.namespace ?? ''}/pods/${metadata.name}/status`,
    { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
    'application/strategic-merge-patch+json',
  );

describe.concurrent('a change that can not wait for a canary', () => {
  it('goes out when nothing of the primary is available', async () => {
    const shop = await world.openShop('primary-down', { annotations: SLOW });
    await shop.apply(web('v1-neverready'));
    await eventually(async () => expect((await shop.deployment()).status?.updatedReplicas).toBe(2));
    await goesOut(shop, 'PrimaryDown', () => shop.apply(web('v2')));
    await shop.settles();
    await serves(shop, 'v2');
  });

  it('goes out of a hold when the primary went down meanwhile', async () => {
    const shop = await openHeld('primary-down-held');
    for (const pod of await shop.pods()) await failReadiness(pod);
    await eventually(async () => expect((await shop.deployment()).status?.availableReplicas ?? 0).toBe(0));
    await goesOut(shop, 'PrimaryDown', () => shop.apply(web('v3')));
    await serves(shop, 'v3');
  });

  it('goes out at zero replicas', async () => {
    const shop = await world.openShop('scaled-to-zero', { annotations: SLOW });
    await shop.opens(web('v1', { replicas: 0 }));
    await goesOut(shop, 'ScaledToZero', () => shop.apply(web('v2')));
    await shop.settles();
    await serves(shop, 'v2');
  });

  it('goes out under the strategy Recreate', async () => {
    const shop = await world.openShop('recreate', { annotations: SLOW });
    const recreate = { spec: { strategy: { type: 'Recreate' } } };
    await shop.opens(web('v1', recreate));
    await goesOut(shop, 'RecreateStrategy', () => shop.apply(web('v2', recreate)));
    await shop.settles();
    await serves(shop, 'v2');
  });

  it('is refused in the middle of a rolling update, and accepted after it', async () => {
    const shop = await world.openShop('busy', { annotations: SLOW });
    await shop.opens();
    const skipping = (tag: string) => web(tag, { annotations: { 'kanari.dev/skip': 'incident-1' } });
    await goesOut(shop, 'Skipped', () => shop.apply(skipping('v2-start8')));
    await eventually(async () => {
      const { updatedReplicas = 0, replicas = 0 } = (await shop.deployment()).status ?? {};
      expect(replicas).toBeGreaterThan(updatedReplicas);
    });
    const refused = await shop.tryKubectl(['apply', '-f', '-'], skipping('v3'));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      'kanari: web is in the middle of a rolling update (1 of 3 pods updated)',
    );
    expect(refused.stderr).toContain('retry in a moment');
    expect(imageOf(await shop.deployment())).toBe('web:v2-start8');
    await shop.settles();
    const { stderr } = await shop.apply(skipping('v3'));
    expect(stderr).toContain('Warning: kanari: canary of web started');
    expect(stderr).toContain('kanari.dev/skip was there before and does not count now');
    await atWeight(shop, 50);
  });
});
