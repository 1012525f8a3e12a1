import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { startLoad } from '../../lab/load.ts';
import { canaryShare, openShop, PLAIN_ROUTE, stepStands } from './loaded-shop.ts';
import { type ReleaseWorld, startReleaseWorld } from './release-world.ts';

// Without evidence nothing advances and nothing fails; with it again, the run goes on by itself.

let world: ReleaseWorld;

beforeAll(async () => {
  world = await startReleaseWorld();
}, FIRST_START_MS);

afterAll(() => world?.lab.stop());

// Twice the interval at which a step would be judged.
const WELL_PAST_THE_INTERVAL_MS = 10_000;

describe.concurrent('a run without evidence', () => {
  it('holds its weight while the metrics server is away, and goes on when it is back', async () => {
    const shop = await openShop(world, { namespace: 'no-metrics', routes: PLAIN_ROUTE });
    await shop.optIn();
    await shop.apply('v2');
    await shop.reach('the first step', stepStands(20));
    await world.mesh.prometheus.pause();
    await shop.reach('the reason', ({ reason }) => reason === 'MetricsServerUnreachable');
    await sleep(WELL_PAST_THE_INTERVAL_MS);
    expect(shop.status()).toMatchObject({ phase: 'Progressing', canaryWeight: 20, failedChecks: 0 });
    await world.mesh.prometheus.resume();
    await shop.reach('the end', ({ phase }) => phase === 'Succeeded' || phase === 'Failed');
    await shop.stop();
    expect(shop.status()?.history.map(({ outcome }) => outcome)).toEqual(['Promoted']);
    expect(shop.load.failures().slice(0, 5)).toEqual([]);
  });

  it('holds its first weight while nobody asks, and goes on when somebody does', async () => {
    const shop = await openShop(world, { namespace: 'no-traffic', routes: PLAIN_ROUTE, rps: 0 });
    await shop.optIn();
    await shop.apply('v2');
    await shop.reach('the first step', stepStands(20));
    // While the server is away, for the run beside this one, it says that instead.
    const missing = ['NoSamples', 'NotEnoughRequests'];
    await shop.reach('the reason', ({ reason }) => missing.includes(reason));
    await sleep(WELL_PAST_THE_INTERVAL_MS);
    expect(shop.status()).toMatchObject({ phase: 'Progressing', canaryWeight: 20, failedChecks: 0 });
    expect(shop.routes.map(({ seen }) => canaryShare(seen)).at(-1)).toBe(20);
    const load = startLoad({ port: world.mesh.httpPort, host: 'web.no-traffic', rps: 80 });
    await shop.reach('the end', ({ phase }) => phase === 'Succeeded' || phase === 'Failed');
    await Promise.all([load.stop(), shop.stop()]);
    expect(shop.status()?.history.map(({ outcome }) => outcome)).toEqual(['Promoted']);
    expect(load.failures().slice(0, 5)).toEqual([]);
  });
});
