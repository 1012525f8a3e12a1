import { expect } from 'vitest';
import { answered } from '../loaded-shop.ts';
import { endOf, hasBeen, isOver, kubectl, replaceCanaryPods, type Scenario, scale, stepOf } from './play.ts';
import { observedShare } from './share.ts';

// The rows of the traffic matrix: what people and controllers do to a run, at each of its steps.

const STEPS = [20, 50];
/** So that what is done at a step is done within it, also on a busy machine. */
const LONG_STEPS = { interval: '20s' };
/** Of runs one after the other, each has its evidence soon. */
const MANY_RUNS = { rps: 32 };
const BAD = 'v2-errors50';
/** Requests at a step, so many that chance alone is three points off half of them once in 17,000 runs. */
const MEASURED = 4_500;

const good: Scenario = {
  name: 'opt-in of a running Deployment, good release',
  slug: 'good',
  options: { rps: 130, settings: { interval: '45s' } },
  play: async ({ column, shop, shares }) => {
    await shop.apply('v2');
    for (const weight of STEPS) {
      await stepOf(shop, 'v2', weight);
      if (!column.weighted) continue;
      const seen = { weight, ...(await observedShare(shop.load, 'v2', MEASURED)) };
      shares.push(seen);
      expect(seen.requests).toBeGreaterThan(2_000);
      expect(Math.abs(seen.share - weight), JSON.stringify(seen)).toBeLessThanOrEqual(3);
    }
    expect(await endOf(shop, 'v2')).toEqual(['Promoted']);
    if (column.weighted) expect(answered(shop, 'Progressing 0', 'v2')).toBe(0);
    else expect(shop.routes).toEqual([]);
  },
};

const bad: Scenario = {
  name: 'bad release',
  slug: 'bad',
  isCanarys: ({ status, version }) => status === 500 && version === BAD,
  play: async ({ shop }) => {
    const pods = await shop.primaryPods();
    await shop.apply(BAD);
    expect(await endOf(shop, BAD)).toEqual(['RolledBack']);
    expect(shop.status()?.phase).toBe('Failed');
    await shop.apply('v1');
    await shop.reach('the revert', ({ phase }) => phase === 'Initialized');
    expect(await shop.primaryPods()).toEqual(pods);
  },
};

const superseded: Scenario = {
  name: 'superseded at each step',
  slug: 'superseded',
  options: { ...MANY_RUNS, settings: LONG_STEPS },
  play: async ({ shop }) => {
    const pods = await shop.primaryPods();
    for (const [index, weight] of STEPS.entries()) {
      await shop.apply(`v${index + 2}`);
      await stepOf(shop, `v${index + 2}`, weight);
    }
    expect(await shop.primaryPods()).toEqual(pods);
    await shop.apply('v9');
    expect(await endOf(shop, 'v9')).toEqual(['Promoted', ...STEPS.map(() => 'Superseded')]);
    expect(answered(shop, 'Progressing 50', 'v2')).toBe(0);
  },
};

const reverted: Scenario = {
  name: 'reverted at each step',
  slug: 'reverted',
  options: { settings: LONG_STEPS },
  play: async ({ shop }) => {
    const pods = await shop.primaryPods();
    for (const [index, weight] of STEPS.entries()) {
      const tag = `v${index + 2}`;
      await shop.apply(tag);
      await stepOf(shop, tag, weight);
      await shop.apply('v1');
      expect((await endOf(shop, tag))[0]).toBe('Reverted');
    }
    expect(await shop.primaryPods()).toEqual(pods);
  },
};

const scaled: Scenario = {
  name: 'scaled up and down at each step',
  slug: 'scaled',
  options: { settings: LONG_STEPS },
  play: async (play) => {
    const { shop } = play;
    await shop.apply('v2');
    for (const weight of STEPS) {
      await stepOf(shop, 'v2', weight);
      await scale(play, 6);
      await scale(play, 3);
    }
    expect(await endOf(shop, 'v2')).toEqual(['Promoted']);
    await scale(play, 4);
  },
};

const optedOut: Scenario = {
  name: 'opted out at each step',
  slug: 'opted-out',
  options: MANY_RUNS,
  play: async (play) => {
    const { shop } = play;
    for (const [index, weight] of STEPS.entries()) {
      const tag = `v${index + 2}`;
      await shop.apply(tag);
      await stepOf(shop, tag, weight);
      await kubectl(play, 'label', 'deployment/web', 'kanari.dev/rollouts=disabled');
      expect((await endOf(shop, tag))[0]).toBe('Promoted');
      await kubectl(play, 'label', 'deployment/web', 'kanari.dev/rollouts-');
    }
  },
};

const podsDeleted: Scenario = {
  name: "the canary's pods deleted at each step",
  slug: 'pods-deleted',
  // Two pods and three: the last one that answers can't be replaced before it goes.
  // All of a step's are replaced within it: with the run's end they would go for good.
  options: { replicas: 6, settings: { interval: '40s' } },
  play: async (play) => {
    const { shop } = play;
    await shop.apply('v2');
    for (const weight of STEPS) {
      await stepOf(shop, 'v2', weight);
      await replaceCanaryPods(play);
    }
    expect(await endOf(shop, 'v2')).toEqual(['Promoted']);
  },
};

const restarted: Scenario = {
  name: 'Kanari killed at each step',
  slug: 'restarted',
  options: { settings: LONG_STEPS },
  play: async ({ column, shop }) => {
    const { restartKanari: kill, whileUp } = column.world();
    await whileUp(() => shop.apply('v2'));
    // Restarts take turns: by the time of its own, a shop may be further than it has to be.
    for (const weight of STEPS) {
      await hasBeen(shop, `${weight} %`, ({ canaryWeight }) => canaryWeight === weight);
      await kill();
    }
    for (const phase of ['Promoting', 'Finalising']) {
      await hasBeen(shop, phase, (now) => now.phase === phase || isOver(now));
      await kill();
    }
    expect(await endOf(shop, 'v2')).toEqual(['Promoted']);
  },
};

/** At the same time, in namespaces of their own; the last one alone, for all of a world have one Kanari. */
export const WAVES: readonly (readonly Scenario[])[] = [
  [good],
  [bad, superseded, reverted, scaled, optedOut, podsDeleted],
  [restarted],
];
