import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { CanaryStatus } from '../../src/core/run.ts';
import { type Fleet, type Member, openFleet } from './fleet.ts';
import { stepStands } from './loaded-shop.ts';
import { type ReleaseWorld, startReleaseWorld } from './release-world.ts';

// Verdicts on real requests, counted by a real proxy and a real Prometheus: what is good is promoted, what is a little
// too bad is withdrawn, and without evidence nobody decides but the user.

const GOOD = Array.from({ length: 20 }, (_, index) => `good-${index + 1}`);
const QUIET = ['quiet-rollback', 'quiet-promote', 'quiet-pause'];
const UNMEASURED = ['unmeasured', 'unmeasured-promote'];
/** Set when the first step stands: until then a busy machine takes longer. */
const SOON_OVERDUE = { 'progress-deadline': '20s' };

const MEMBERS: Member[] = [
  ...GOOD.map((name) => ({ name })),
  // Twice its limit is found out by some hundred requests, not by one hundred.
  { name: 'regressed', settings: { steps: '50', 'min-requests': '500', threshold: '2' } },
  { name: 'quiet-rollback' },
  { name: 'quiet-promote', settings: { 'on-no-data': 'promote' } },
  { name: 'quiet-pause', settings: { 'on-no-data': 'pause' } },
  { name: 'unmeasured' },
  { name: 'unmeasured-promote', settings: { 'on-no-data': 'promote' } },
];

let world: ReleaseWorld;
let fleet: Fleet;

beforeAll(async () => {
  world = await startReleaseWorld({ retries: false });
  const settings = { steps: '20,50', interval: '5s', latency: 'off', 'success-rate': '99' };
  fleet = await openFleet(world, { namespace: 'fleet', members: MEMBERS, settings });
}, FIRST_START_MS);

afterAll(async () => {
  await fleet?.stop();
  await world?.lab.stop();
});

/** Releases v2 of each, and waits until all of them wait for evidence. */
const releaseToFirstStep = async (names: string[]): Promise<void> => {
  await fleet.release('v2', names);
  await Promise.all(names.map((name) => fleet.reach(name, 'the first step', stepStands(20))));
};

const isOver = ({ run }: CanaryStatus): boolean => run?.endedAt !== undefined;
/** Waited for in two parts: on a busy machine the first step alone takes a minute. */
const endOf = async (name: string): Promise<string | undefined> => {
  await fleet.reach(name, 'the last step', (status) => status.canaryWeight === 50 || isOver(status));
  return (await fleet.reach(name, 'the end', isOver)).history[0]?.outcome;
};

describe.concurrent('with a metrics server', () => {
  it('a version with 99.5 % success is promoted at a limit of 99 % in 20 of 20 runs', async () => {
    const loads = GOOD.map((name) => fleet.load(name, 20));
    await fleet.release('v2-errors0.5', GOOD);
    const ends = await Promise.all(GOOD.map(endOf));
    await Promise.all(loads.map((load) => load.stop()));
    expect(ends).toEqual(GOOD.map(() => 'Promoted'));
    const errors = loads.reduce((sum, load) => sum + load.total().failures, 0);
    expect(errors, 'a version without any error would prove nothing').toBeGreaterThan(0);
  });

  it('a version with 98 % success is withdrawn', async () => {
    const load = fleet.load('regressed', 60);
    await fleet.release('v2-errors2', ['regressed']);
    expect(await endOf('regressed')).toBe('RolledBack');
    await load.stop();
    const { reason, message } = fleet.status('regressed') ?? {};
    expect(reason).toBe('ThresholdReached');
    expect(message).toMatch(/^failed checks threshold reached 2: success rate 9[78]\.\d\d % < 99 % /);
    expect(load.failures().filter(({ version }) => version !== 'v2-errors2')).toEqual([]);
  });

  it('a version that nobody asks for follows on-no-data, and goes on with the first requests where it is paused', async () => {
    await releaseToFirstStep(QUIET);
    await fleet.set(SOON_OVERDUE, QUIET);
    const [rolledBack, paused] = await Promise.all([
      fleet.reach('quiet-rollback', 'the end', isOver),
      fleet.reach('quiet-pause', 'the pause', ({ phase }) => phase === 'Paused'),
    ]);
    expect(rolledBack.message).toMatch(/^no evidence within the progress deadline: /);
    expect(rolledBack).toMatchObject({ phase: 'Failed', failedChecks: 0 });
    expect(paused).toMatchObject({ canaryWeight: 20, failedChecks: 0 });
    const load = fleet.load('quiet-pause', 40);
    expect(await endOf('quiet-pause')).toBe('Promoted');
    expect(await endOf('quiet-promote')).toBe('Promoted');
    await load.stop();
    expect(load.failures().slice(0, 5)).toEqual([]);
  });
});

describe('without one for the whole of the progress deadline, a restart of Kanari in between', () => {
  it('nothing is promoted and nothing rolled back, and all goes on when it is there again', async () => {
    const names = UNMEASURED;
    await releaseToFirstStep(names);
    // Not before all stand there: the first may have all its evidence by then.
    const loads = names.map((name) => fleet.load(name, 40));
    await world.mesh.prometheus.pause();
    await fleet.set(SOON_OVERDUE, names);
    const isPaused = ({ phase, reason }: CanaryStatus) =>
      phase === 'Paused' && reason === 'MetricsServerUnreachable';
    await Promise.all(names.map((name) => fleet.reach(name, 'the pause', isPaused)));
    await world.kanari.kill();
    await world.kanari.start();
    await Promise.all(names.map((name) => fleet.reach(name, 'the pause, still', isPaused)));
    for (const name of names) expect(fleet.status(name)).toMatchObject({ canaryWeight: 20, failedChecks: 0 });
    await world.mesh.prometheus.resume();
    expect(await Promise.all(names.map(endOf))).toEqual(['Promoted', 'Promoted']);
    await Promise.all(loads.map((load) => load.stop()));
    expect(loads.flatMap((load) => load.failures().slice(0, 5))).toEqual([]);
  });
});
