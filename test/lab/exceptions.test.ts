import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { annotationsOf, type Pod } from '../../src/core/objects.ts';
import { eventually, imageOf, type Shop, SLOW, startWorld, uidsOf, type World, web } from './shop.ts';

// What admission alone can not see: a primary that ails, a primary that is lost, a change that came past admission.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const ungated = (reason: string) => world.counter('kanari_ungated_changes_total', `reason="${reason}"`);

const told = async (shop: Shop, reason: string) =>
  (await shop.events()).filter((event) => event.reason === reason);

/** As a kubelet tells of a pod that was ready once; the lab's does not look again. */
const fallsIll = ({ metadata }: Pod) => {
  const turned = new Date(Date.parse(metadata.creationTimestamp ?? '') + 30_000);
  const lastTransitionTime = turned.toISOString().replace(/\.\d+Z$/, 'Z');
  return world.lab.api.request(
    'PATCH',
    `/api/v1/namespaces/${metadata.namespace ?? ''}/pods/${metadata.name}/status`,
    { status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime }] } },
    'application/strategic-merge-patch+json',
  );
};

describe('a change that finds the primary', () => {
  it('short of ready pods that do not come back is released as the fix', async () => {
    const shop = await world.openShop('ailing', { annotations: SLOW });
    await shop.opens(web('v1', { replicas: 4 }));
    for (const pod of (await shop.pods()).slice(0, 2)) await fallsIll(pod);
    await eventually(async () => expect((await shop.deployment()).status?.availableReplicas).toBe(2));
    const before = await ungated('PrimaryUnhealthy');

    const { stderr } = await shop.apply(web('v2', { replicas: 4 }));
    expect(stderr).toContain('Warning: kanari: canary of web started');
    await eventually(async () => {
      const { status } = await shop.canary();
      expect(status).toMatchObject({ reason: 'PrimaryNotReady', run: { ailing: { ready: 2 } } });
    });
    // A restart does not lose what the run knows.
    await world.kanari.kill();
    await world.kanari.start();

    await eventually(async () => expect(await told(shop, 'PrimaryUnhealthy')).toHaveLength(1));
    await shop.settles();
    expect((await shop.pods()).map((pod) => imageOf({ spec: { template: pod as never } }))).toEqual(
      Array.from({ length: 4 }, () => 'web:v2'),
    );
    expect(annotationsOf(await shop.deployment())).not.toHaveProperty(['kanari.dev/run']);
    await eventually(async () =>
      expect((await shop.canary()).status?.history).toMatchObject([
        { images: ['web:v2'], outcome: 'Skipped', reason: 'PrimaryUnhealthy' },
      ]),
    );
    // Counted by the process that released it: the one before the restart has counted nothing.
    expect(await ungated('PrimaryUnhealthy')).toBeLessThanOrEqual(before + 1);
    expect(await ungated('NotAdmitted')).toBe(0);
  });

  it('in the middle of a healthy scale-up gets its canary', async () => {
    const shop = await world.openShop('scale-up', { annotations: SLOW });
    await shop.opens(web('v1-start15'));
    await shop.kubectl(['scale', 'deployment/web', '--replicas=6']);
    const before = uidsOf(await shop.pods());
    await shop.kubectl(['set', 'image', 'deployment/web', 'web=web:v2']);
    await shop.standsAt(50);
    expect(await told(shop, 'PrimaryUnhealthy')).toEqual([]);
    expect((await shop.deployment()).spec.paused).toBe(true);
    expect(uidsOf(await shop.pods())).toEqual(expect.arrayContaining(before));
  });
});

describe('a primary whose ReplicaSet is deleted while another template is held', () => {
  it('comes back from its kept template, and its user may apply the other again', async () => {
    const shop = await world.openShop('lost', { annotations: SLOW });
    await shop.opens(web('v1'), '--server-side');
    await shop.apply(web('v2'), '--server-side');
    await shop.standsAt(50);
    const [primary] = await shop.replicaSets();
    await shop.kubectl(['delete', 'replicaset', primary?.metadata.name ?? '']);

    await eventually(async () => {
      expect((await shop.canary()).status?.history).toMatchObject([
        { outcome: 'Reverted', reason: 'PrimaryLost' },
      ]);
      const { spec, status } = await shop.deployment();
      expect([spec.paused ?? false, imageOf({ spec }), status?.availableReplicas]).toEqual([
        false,
        'web:v1',
        2,
      ]);
    });
    await eventually(async () => expect(await told(shop, 'PrimaryLost')).not.toEqual([]));
    expect(await ungated('NotAdmitted')).toBe(0);
    // Kanari has written the template, and owns nothing of it.
    const { stderr } = await shop.apply(web('v2'), '--server-side');
    expect(stderr).toContain('Warning: kanari: canary of web started');
  });
});

describe('a change that came past admission', () => {
  const setPolicy = (policy: 'Ignore' | 'Fail') =>
    world.lab.kubectl([
      'patch',
      'mutatingwebhookconfiguration',
      'zz-kanari',
      '--type=json',
      `-p=[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "${policy}"}]`,
    ]);

  it('while the webhook was away is counted and told when Kanari is back, once', async () => {
    const shop = await world.openShop('slipped', { annotations: SLOW });
    await shop.opens();
    await eventually(async () =>
      expect((await shop.canary()).status?.primary?.replicaSet).toEqual(expect.any(String)),
    );
    await setPolicy('Ignore');
    await world.kanari.kill();
    await eventually(() => shop.apply(web('v2')));
    await shop.settles();
    await world.kanari.start();
    await eventually(async () => expect(await told(shop, 'NotAdmitted')).toHaveLength(1));
    expect(await ungated('NotAdmitted')).toBe(1);
    expect((await told(shop, 'NotAdmitted'))[0]?.message).toContain("did not pass Kanari's admission");

    await setPolicy('Fail');
    await world.kanari.kill();
    await world.kanari.start();
    // Events come in order: one of the slip told again would be there before that of the next change.
    await eventually(async () => {
      await shop.apply(web('v3'));
      const detected = (await shop.events()).filter(({ message }) => message.startsWith('New revision'));
      expect(detected).not.toEqual([]);
    });
    expect(await told(shop, 'NotAdmitted')).toHaveLength(1);
    expect(await ungated('NotAdmitted')).toBe(0);
  });
});
