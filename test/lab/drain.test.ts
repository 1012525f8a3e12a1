import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { canaryReplicas } from '../../src/core/replicas.ts';
import type { CanaryStatus } from '../../src/core/run.ts';
import { openShop, PLAIN_ROUTE, type Shop, type ShopOptions, stepStands } from './loaded-shop.ts';
import { eventually, type ReleaseWorld, startReleaseWorld } from './release-world.ts';

// Pods that go under constant load, from proxies that learn it late: because the primary is scaled, or the canary ends.

const LEARNT_MS = 1_000;
/** A hook that outlasts what proxies need to learn that a pod goes, as everybody's should; also on a busy machine. */
const PRE_STOP_S = 4;

let world: ReleaseWorld;

beforeAll(async () => {
  world = await startReleaseWorld({ lag: { endpointLagMs: LEARNT_MS, routeLagMs: LEARNT_MS } });
}, FIRST_START_MS);

afterAll(() => world?.lab.stop());

/** Long enough for what is done at a step to be done within it, however busy the machine. */
const settings = { interval: '30s' };

const kubectl = (shop: Shop, ...args: string[]) => world.lab.kubectl(['-n', shop.namespace, ...args]);

/** The lab's proxies have learnt of a new shop, late as they are: so many requests in a row are answered. */
const IN_A_ROW = 200;

/** Opted in once what becomes of requests is Kanari's doing. */
const optIn = async (shop: Shop): Promise<Shop> => {
  let last = shop.load.total();
  await eventually(
    () => {
      const { requests, failures } = shop.load.total();
      if (failures > last.failures) last = { requests, failures };
      return requests - last.requests >= IN_A_ROW || undefined;
    },
    () => `${IN_A_ROW} answers in a row`,
  );
  await shop.optIn();
  return shop;
};

/** With pods that end their connections at once when they are asked to end, but for the hook. */
const openAbrupt = async (options: ShopOptions): Promise<Shop> => {
  const shop = await openShop(world, options);
  const lifecycle = { preStop: { sleep: { seconds: PRE_STOP_S } } };
  const containers = [{ name: 'web', image: 'web:v1-abrupt', lifecycle }];
  const patch = JSON.stringify({ spec: { template: { spec: { containers } } } });
  await kubectl(shop, 'patch', 'deployment', 'web', '-p', patch);
  await kubectl(shop, 'rollout', 'status', 'deployment/web', '--timeout=180s');
  return optIn(shop);
};

const scale = (shop: Shop, replicas: number) =>
  kubectl(shop, 'scale', 'deployment/web', `--replicas=${replicas}`);

const collects = ({ message }: CanaryStatus): boolean => message.endsWith('collecting evidence');

/** At this weight evidence is collected again, with as many canary pods beside a primary of this size. */
const carries =
  (weight: number, pods: { primary: number; canary: number }) =>
  (status: CanaryStatus): boolean =>
    stepStands(weight)(status) &&
    collects(status) &&
    status.primary?.replicas === pods.primary &&
    status.canary?.replicas === pods.canary;

const ended = ({ phase }: CanaryStatus): boolean => phase === 'Succeeded' || phase === 'Failed';

const failed = (shop: Shop) =>
  shop.load
    .failures()
    .filter(({ phase }) => phase !== 'before opt-in')
    .slice(0, 5);

describe('under load, no request fails', () => {
  it.concurrent('when the primary is scaled up and down at each step of routes', async () => {
    const shop = await openAbrupt({ namespace: 'scaled', routes: PLAIN_ROUTE, settings });
    await shop.apply('v2-abrupt');
    await shop.reach('the first step', stepStands(20));
    await scale(shop, 7);
    await shop.reach('the canary of 7', carries(20, { primary: 7, canary: 2 }));
    await scale(shop, 3);
    await shop.reach('the second step', carries(50, { primary: 3, canary: 2 }));
    await scale(shop, 6);
    await shop.reach('the canary of 6', carries(50, { primary: 6, canary: 3 }));
    await shop.reach('the promotion', ({ phase }) => phase === 'Promoting');
    await scale(shop, 4);
    await shop.reach('the end', ended);
    await shop.stop();
    expect(failed(shop)).toEqual([]);
    expect(shop.status()).toMatchObject({ phase: 'Succeeded' });
    const judged = shop.statuses.map(({ seen }) => seen).filter(collects);
    const short = judged.filter(
      ({ canary, primary, canaryWeight }) =>
        (canary?.ready ?? 0) < canaryReplicas(primary?.replicas ?? 0, canaryWeight),
    );
    expect(short).toEqual([]);
  });

  it.concurrent('when the number of pods makes the share, and it changes at each step', async () => {
    const shop = await openAbrupt({ namespace: 'scaled-by-count', mesh: false, settings });
    await shop.apply('v2-abrupt');
    await shop.reach('the first step', stepStands(20));
    await scale(shop, 8);
    await shop.reach('the canary of 8', carries(20, { primary: 8, canary: 2 }));
    await scale(shop, 4);
    await shop.reach('the second step', carries(50, { primary: 4, canary: 4 }));
    await shop.reach('the end', ended);
    await shop.stop();
    expect(failed(shop)).toEqual([]);
    expect(shop.status()).toMatchObject({ phase: 'Succeeded' });
  });

  it.concurrent('when a canary is withdrawn whose pods end at once, without a hook', async () => {
    const shop = await optIn(
      await openShop(world, { namespace: 'withdrawn', routes: PLAIN_ROUTE, settings }),
    );
    await shop.apply('v2-abrupt');
    await shop.reach('the second step', stepStands(50));
    await kubectl(shop, 'annotate', 'canary', 'web', 'kanari.dev/command=abort');
    await shop.reach('the end', ended);
    await shop.stop();
    expect(failed(shop)).toEqual([]);
    expect(shop.status()).toMatchObject({ phase: 'Failed', history: [{ outcome: 'Aborted' }] });
    expect(await shop.canaryPods()).toEqual([]);
  });
});
