import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { StringMap } from '../../src/core/objects.ts';
import type { CanaryStatus } from '../../src/core/run.ts';
import { eventually, imageOf, QUICK, type Shop, SLOW, startWorld, type World, web } from './shop.ts';

// Gates, and the commands of a person to a run, with kubectl by hand.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const ROUTED = { 'kanari.dev/traffic': 'istio' };

/** With v2 held. */
const released = async (namespace: string, annotations: StringMap): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations });
  await shop.opens();
  await shop.apply(web('v2'));
  return shop;
};

const seen = (shop: Shop, expected: Partial<CanaryStatus>): Promise<CanaryStatus> =>
  eventually(async () => {
    const { status } = await shop.canary();
    expect(status).toMatchObject(expected);
    return status ?? expect.fail('no status');
  });

const messages = async (shop: Shop): Promise<string[]> => (await shop.events()).map(({ message }) => message);

const command = (shop: Shop, words: string) =>
  shop.kubectl(['annotate', 'canary', 'web', `kanari.dev/command=${words}`]);

/** The very command that the message ends with. */
const doAsTold = ({ message }: CanaryStatus, shop: Shop) => {
  const [, line] = /: kubectl (annotate \S+ \S+ -n \S+ \S+)/.exec(message) ?? expect.fail(message);
  return shop.kubectl((line ?? '').split(' '));
};

const canaryPods = async (shop: Shop): Promise<number> =>
  (await shop.list('deployments')).filter(({ metadata }) => metadata.name === 'web-canary').length;

const APPROVAL = { reason: 'WaitingForApproval' } as const;

describe.concurrent('a run', () => {
  it('waits before its canary, before its traffic and before the promotion, until a person approves', async () => {
    const shop = await world.openShop('approved', {
      annotations: { ...QUICK, ...ROUTED, 'kanari.dev/approve': 'start,traffic,promotion' },
    });
    await shop.opens();
    expect((await shop.apply(web('v2'))).stderr).toContain(
      'web waits for approval (start, each rise of its share, promotion): kubectl annotate canary web',
    );
    const start = await seen(shop, { ...APPROVAL, phase: 'Waiting', step: -1 });
    expect([await canaryPods(shop), await shop.list('virtualservices')]).toEqual([0, []]);
    await doAsTold(start, shop);
    const traffic = await seen(shop, { ...APPROVAL, phase: 'Waiting', step: 0, canaryWeight: 0 });
    expect(await canaryPods(shop)).toBe(1);
    await doAsTold(traffic, shop);
    const promotion = await seen(shop, { ...APPROVAL, phase: 'WaitingPromotion', canaryWeight: 50 });
    expect((await shop.kubectl(['get', 'canary', '-o', 'wide'])).stdout).toContain('PROMOTION');
    await doAsTold(promotion, shop);
    await shop.settles();
    await shop.reaches('Succeeded');
    expect(imageOf(await shop.deployment())).toBe('web:v2');
    await eventually(async () =>
      expect(await messages(shop)).toContainEqual(
        expect.stringMatching(/^web waits for approval before the promotion; to approve: /),
      ),
    );
  });

  it('that is paused stays at its weight until it is resumed', async () => {
    const shop = await released('paused', { ...SLOW, ...ROUTED, 'kanari.dev/steps': '20,50' });
    await shop.standsAt(20);
    await command(shop, 'pause');
    const paused = await seen(shop, { phase: 'Paused', reason: 'PausedByCommand', canaryWeight: 20 });
    await shop.goesOn();
    expect(paused.outlook?.promotionAt).toBeUndefined();
    // It has passed, and would go on.
    await eventually(async () => expect((await shop.canary()).status?.run?.passedAt).toBeDefined());
    await doAsTold(await seen(shop, { phase: 'Paused', canaryWeight: 20 }), shop);
    await shop.reaches('Succeeded');
  });

  it.each([
    ['pause', { phase: 'Paused', ...APPROVAL, canaryWeight: 0 }, 'it waits on'],
    ['rollback', { phase: 'Failed', reason: 'GateTimedOut' }, 'Rolling back web waited 2s for approval'],
    ['proceed', { phase: 'Succeeded' }, 'web goes on without it: waited 2s for approval'],
  ] as const)(
    'that nobody lets pass a gate in time does as on-gate-timeout: %s says',
    async (policy, status, words) => {
      const shop = await released(`timeout-${policy}`, {
        ...QUICK,
        'kanari.dev/approve': 'start',
        'kanari.dev/gate-timeout': '2s',
        'kanari.dev/on-gate-timeout': policy,
      });
      await seen(shop, status);
      await eventually(async () => expect((await messages(shop)).join('\n')).toContain(words));
      expect(await canaryPods(shop)).toBe(0);
    },
  );

  it('that waits at no gate, or is another, answers to an approval that it changes nothing', async () => {
    const shop = await released('unasked', { ...SLOW, 'kanari.dev/approve': 'promotion' });
    await seen(shop, { canaryWeight: 50 });
    await command(shop, 'approve');
    const answered = (words: string) =>
      eventually(async () => expect((await messages(shop)).join('\n')).toContain(words));
    await answered('kanari.dev/command=approve changes nothing: no gate waits for approval');
    await command(shop, 'promote=1-0000000000-1');
    await answered(
      'kanari.dev/command=promote=1-0000000000-1 changes nothing: it is for another run than 1-',
    );
    await command(shop, 'abort');
    await shop.reaches('Failed');
  });
});

it('waits on at its gate when Kanari is killed, and takes an approval given meanwhile, once', async () => {
  const shop = await released('killed', { ...QUICK, ...ROUTED, 'kanari.dev/approve': 'start,promotion' });
  const start = await seen(shop, APPROVAL);
  await world.kanari.kill();
  await doAsTold(start, shop);
  await world.kanari.start();
  const promotion = await seen(shop, { ...APPROVAL, phase: 'WaitingPromotion' });
  await doAsTold(promotion, shop);
  await world.kanari.kill();
  await world.kanari.start();
  await shop.reaches('Succeeded');
  const opened = (await shop.canary()).status?.run?.gates?.map(({ at, openedAt }) => [
    at,
    openedAt !== undefined,
  ]);
  expect(opened).toEqual([
    ['start', true],
    ['promotion', true],
  ]);
});
