import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { CanaryStatus } from '../../src/core/run.ts';
import { openShop, PLAIN_ROUTE, type Shop } from './loaded-shop.ts';
import { eventually, type ReleaseWorld, startReleaseWorld } from './release-world.ts';

// Kanari is killed at the first sight of every place of a run, between its intent and the deed: each next process goes
// on from what stands in the cluster, to the same end.

let world: ReleaseWorld;

beforeAll(async () => {
  world = await startReleaseWorld();
}, FIRST_START_MS);

afterAll(() => world?.lab.stop());

/** Where in its run a Canary is, finely enough that each place has a write of its own. */
const placeOf = ({ phase, reason, canaryWeight, step, run }: CanaryStatus): string =>
  [
    phase,
    reason,
    `step ${step}`,
    `weight ${canaryWeight}`,
    ...Object.keys(run?.milestones ?? {}).sort(),
    ...(run?.waitingSince === undefined ? [] : ['waiting']),
    ...(run?.stepSince === undefined ? [] : ['stands']),
    ...(run?.ending === undefined ? [] : [run.ending.outcome]),
  ].join(', ');

/** @returns the places at which Kanari was killed, in order */
const killEverywhere = async (shop: Shop): Promise<string[]> => {
  const killedAt: string[] = [];
  const next = (): CanaryStatus | undefined => {
    const status = shop.status();
    if (status?.run === undefined) return undefined;
    return status.run.endedAt !== undefined || !killedAt.includes(placeOf(status)) ? status : undefined;
  };
  for (;;) {
    const status = await eventually(next, () => `killed at ${killedAt.join('; ')}`);
    if (status.run?.endedAt !== undefined) return killedAt;
    killedAt.push(placeOf(status));
    await world.kanari.kill();
    world.kanari.spawn();
  }
};

/** Written while the webhook was away or not, nothing of Kanari's is left in the routes, nor its name. */
const namesKanari = async ({ namespace }: Shop): Promise<boolean> => {
  const kinds = 'virtualservices,destinationrules';
  const args = ['get', kinds, '-n', namespace, '-o', 'yaml', '--show-managed-fields'];
  return (await world.lab.kubectl(args)).stdout.includes('kanari');
};

const mentions = (places: string[], words: string[]): string[] =>
  words.filter((word) => !places.some((place) => place.includes(word)));

describe('Kanari killed at every place of a run', () => {
  it('promotes a good release without a failed request', async () => {
    const shop = await openShop(world, { namespace: 'good', routes: PLAIN_ROUTE });
    await shop.optIn();
    await shop.apply('v2');
    const places = await killEverywhere(shop);
    await shop.stop();
    expect(shop.load.failures().slice(0, 5)).toEqual([]);
    expect(shop.status()).toMatchObject({ phase: 'Succeeded', history: [{ outcome: 'Promoted' }] });
    const expected = ['destinations', 'split', 'CanaryStarting', 'step 0, weight 20', 'step 1, weight 50'];
    expect(mentions(places, [...expected, 'Promoting', 'Finalising', 'canaryGone', 'restored'])).toEqual([]);
    expect(await shop.canaryPods()).toEqual([]);
    expect(await namesKanari(shop)).toBe(false);
  });

  it('withdraws a bad release, failing none but its own share', async () => {
    const tag = 'v2-errors50';
    const shop = await openShop(world, { namespace: 'bad', routes: PLAIN_ROUTE });
    const pods = await shop.primaryPods();
    await shop.optIn();
    await shop.apply(tag);
    await shop.reach('the first weight', ({ canaryWeight }) => canaryWeight === 20);
    const places = await killEverywhere(shop);
    await shop.stop();
    expect(shop.load.failures().filter(({ version }) => version !== tag)).toEqual([]);
    expect(shop.status()).toMatchObject({ phase: 'Failed', history: [{ outcome: 'RolledBack' }] });
    expect(mentions(places, ['Progressing', 'Finalising', 'canaryGone', 'restored'])).toEqual([]);
    expect(await shop.primaryPods()).toEqual(pods);
    expect(await namesKanari(shop)).toBe(false);
    const rollout = ['rollout', 'status', '-n', 'bad', 'deployment/web', '--timeout=30s'];
    expect((await world.lab.kubectl(rollout, { allowFailure: true })).code).toBe(1);
  });
});
