import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Aim, aimsOf, beyondTraffic, loadOf } from '../../../src/core/aims.ts';
import type { Settings } from '../../../src/core/release-settings.ts';
import { DEFAULT_SETTINGS } from '../../../src/core/settings.ts';
import type { Share } from '../../../src/core/share.ts';
import { outcomes, statusOf } from './run-beginnings.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

// What a run goes through besides rising weights: A/B tests, blue/green, mirrors, pinned clients, a slow way down.

const match = [{ headers: { 'x-user': { exact: 'insider' } } }];
const AB: Partial<Settings> = { iterations: { checks: 3, match } };
const BLUE_GREEN: Partial<Settings> = { iterations: { checks: 3, match: undefined } };
const READINESS: Partial<Settings> = { successRate: 'off', latency: 'off' };
const PINNED: Partial<Settings> = { affinity: { cookie: 'kanari', maxAgeSeconds: 60 } };

const held = (settings: Partial<Settings>, tag = 'v2'): SimulatedCluster => {
  const cluster = new SimulatedCluster();
  cluster.settings = { ...cluster.settings, ...settings };
  cluster.runToEnd({ seconds: 3 });
  cluster.hold(tag);
  return cluster;
};

/** Every share that stood in the routes, each once in a row. */
const sharesOf = (cluster: SimulatedCluster, seconds = 300): (Share | undefined)[] => {
  const seen: (Share | undefined)[] = [];
  cluster.runToEnd({
    seconds,
    until: () => {
      if (JSON.stringify(seen.at(-1)) !== JSON.stringify(cluster.share)) seen.push(cluster.share);
      return cluster.phase === 'Succeeded' || cluster.phase === 'Failed';
    },
  });
  return seen;
};

describe('what a run aims at', () => {
  const copies: Aim = { share: { weight: 0, mirror: 50 }, checks: 1 };
  test.each<[string, Partial<Settings>, Aim[]]>([
    [
      'are its steps, one check each',
      { steps: [10, 50] },
      [
        { share: { weight: 10 }, checks: 1 },
        { share: { weight: 50 }, checks: 1 },
      ],
    ],
    [
      'with a mirror are copies first',
      { steps: [10], mirror: 50 },
      [copies, { share: { weight: 10 }, checks: 1 }],
    ],
    ['with iterations are checks without live traffic', BLUE_GREEN, [{ share: { weight: 0 }, checks: 3 }]],
    [
      'with iterations and a mirror are checks of copies',
      { ...BLUE_GREEN, mirror: 50 },
      [{ ...copies, checks: 3 }],
    ],
    ['with a match are checks of what matches', AB, [{ share: { weight: 0, match }, checks: 3 }]],
    [
      'with a match and a mirror are copies, then checks of what matches',
      { ...AB, mirror: 50 },
      [copies, { share: { weight: 0, match }, checks: 3 }],
    ],
  ])('%s', (_words, settings, aims) => {
    expect(aimsOf({ ...DEFAULT_SETTINGS, ...settings })).toEqual(aims);
  });

  test.each<[Share, number]>([
    [{ weight: 0 }, 0],
    [{ weight: 30 }, 30],
    [{ weight: 0, mirror: 60 }, 60],
    [{ weight: 0, match }, 100],
  ])('%j may bring the canary %i %% of the requests', (share, load) => {
    expect(loadOf(share)).toBe(load);
  });
});

describe('without routes', () => {
  test.each<[string, Partial<Settings>, 'replicas' | 'none', string[]]>([
    ['steps need none', {}, 'replicas', []],
    ['a match can not be done', AB, 'replicas', ['match']],
    ['blue/green can not be done where a Service selects the canary', BLUE_GREEN, 'replicas', ['iterations']],
    ['blue/green can be done where no Service does', BLUE_GREEN, 'none', []],
    ['mirror and affinity can not be done', { ...PINNED, mirror: 9 }, 'none', ['mirror', 'sessionAffinity']],
  ])('%s', (_words, settings, provider, beyond) => {
    expect(beyondTraffic({ ...DEFAULT_SETTINGS, ...settings }, { provider, services: ['web'] })).toEqual(
      beyond,
    );
  });

  test('the run waits before its canary has a pod, says why in the status and once in an Event', () => {
    const cluster = new SimulatedCluster();
    cluster.routed = false;
    cluster.settings = { ...cluster.settings, ...AB };
    cluster.runToEnd({ seconds: 3 });
    cluster.hold('v2');
    cluster.runToEnd({ seconds: 60 });
    const message =
      'match can not be done: its traffic goes by number of pods, and only routes of Istio or the Gateway API can; the run waits';
    expect(statusOf(cluster)).toMatchObject({ reason: 'TrafficUnsupported', message });
    expect([cluster.canaryDeployment, cluster.deployment.spec.paused]).toEqual([undefined, true]);
    expect(cluster.events.filter((told) => told.includes(message))).toHaveLength(1);
  });
});

describe('an A/B test', () => {
  test('gives the canary what matches and nothing else, and is promoted after its checks', () => {
    const cluster = held(AB);
    expect(sharesOf(cluster)).toEqual([{ weight: 0 }, { weight: 0, match }, { weight: 0 }, undefined]);
    expect([outcomes(cluster), cluster.restarts]).toEqual([['Promoted'], 4]);
    expect(cluster.events).toEqual([
      expect.stringMatching(/^New revision detected!/),
      'Starting canary analysis for web-canary',
      'Routing requests of web that match to its canary',
      'Advance web canary iteration 1/3',
      'Advance web canary iteration 2/3',
      'Promoting web: rolling update to the analysed template',
      'Promotion completed! web runs web:v2',
    ]);
    expect(statusOf(cluster)).toMatchObject({
      iterations: 3,
      message: expect.stringMatching(/^promoted after 3 checks: success rate/) as string,
    });
  });

  test('has a canary of the size of the primary: how many requests match, nobody knows', () => {
    const cluster = held(AB);
    cluster.runToEnd({ until: () => cluster.share?.match !== undefined });
    expect(cluster.canaryDeployment?.spec.replicas).toBe(4);
    expect(statusOf(cluster)).toMatchObject({ canaryWeight: 0, run: { given: 'match' } });
  });

  test('of a bad version is rolled back, what matches goes back to the primary first', () => {
    const cluster = held(AB);
    cluster.errorRate['v2'] = 0.3;
    expect(sharesOf(cluster)).toEqual([{ weight: 0 }, { weight: 0, match }, { weight: 0 }, undefined]);
    expect([cluster.phase, cluster.restarts]).toEqual(['Failed', 0]);
  });

  test('whose canary loses its endpoints gives the requests back at once and counts a failed check', () => {
    const cluster = held(AB);
    cluster.runToEnd({ until: () => cluster.share?.match !== undefined });
    cluster.neverReady.add('v2');
    cluster.look();
    expect([cluster.share, statusOf(cluster).failedChecks]).toEqual([{ weight: 0 }, 1]);
    cluster.neverReady.clear();
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });

  test('superseded takes the requests back before the canary gets another template', () => {
    const cluster = held(AB);
    cluster.runToEnd({ until: () => cluster.share?.match !== undefined });
    cluster.hold('v3');
    cluster.look();
    expect(cluster.share).toEqual({ weight: 0 });
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted', 'Superseded']);
  });
});

describe('blue/green', () => {
  test('checks a canary of one pod that gets no live request, and promotes after its checks', () => {
    const cluster = held({ ...BLUE_GREEN, ...READINESS });
    cluster.runToEnd({ until: () => statusOf(cluster).iterations === 1 });
    expect(cluster.canaryDeployment?.spec.replicas).toBe(1);
    expect(sharesOf(cluster)).toEqual([{ weight: 0 }, undefined]);
    expect(outcomes(cluster)).toEqual(['Promoted']);
    expect(cluster.events).toContain('Checking the canary of web without live traffic');
  });

  test('by one check says so', () => {
    const cluster = held({ ...READINESS, iterations: { checks: 1, match: undefined } });
    cluster.runToEnd();
    expect(statusOf(cluster)).toMatchObject({
      iterations: 1,
      message: expect.stringMatching(/^promoted after 1 check: /) as string,
    });
  });

  test('takes no request for no evidence, never for a pass', () => {
    const cluster = held(BLUE_GREEN);
    cluster.runToEnd({ seconds: 700 });
    expect(outcomes(cluster)).toEqual(['RolledBack']);
    expect(statusOf(cluster).message).toContain('no evidence within the progress deadline');
  });

  test('waits an interval before each check', () => {
    const cluster = held({ ...BLUE_GREEN, ...READINESS, intervalMs: 30_000 });
    cluster.runToEnd({ until: () => statusOf(cluster).iterations === 1 });
    const first = cluster.now.getTime();
    cluster.runToEnd({ until: () => statusOf(cluster).iterations === 2 });
    expect(cluster.now.getTime() - first).toBeGreaterThanOrEqual(30_000);
  });
});

describe('a mirror', () => {
  test('comes before the first weight, and is judged like a step', () => {
    const cluster = held({ mirror: 50 });
    expect(sharesOf(cluster)).toEqual([
      { weight: 0 },
      { weight: 0, mirror: 50 },
      { weight: 20 },
      { weight: 50 },
      { weight: 0 },
      undefined,
    ]);
    expect(cluster.events).toContain('Mirroring 50 % of the requests of web to its canary');
  });

  test('of a bad version is all that it ever gets', () => {
    const cluster = held({ mirror: 50 });
    cluster.errorRate['v2'] = 0.3;
    expect(sharesOf(cluster)).toEqual([{ weight: 0 }, { weight: 0, mirror: 50 }, { weight: 0 }, undefined]);
    expect(cluster.phase).toBe('Failed');
  });

  test('larger than the first weight keeps its pods until proxies have learnt that it ended', () => {
    const cluster = held({ mirror: 100, steps: [20, 50] });
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.runToEnd({ seconds: 2 });
    expect(cluster.canaryDeployment?.spec.replicas).toBe(4);
    cluster.runToEnd({ seconds: 3 });
    expect([cluster.weight, cluster.canaryDeployment?.spec.replicas]).toEqual([20, 1]);
  });
});

describe('session affinity', () => {
  test('pins clients by a token that is another one at each step and in each run', () => {
    const tokensOf = (cluster: SimulatedCluster) =>
      sharesOf(cluster).flatMap((share) => share?.affinity?.token ?? []);
    const cluster = held(PINNED);
    const first = tokensOf(cluster);
    cluster.hold('v3');
    cluster.look();
    const tokens = [...first, ...tokensOf(cluster)];
    expect(tokens).toHaveLength(4);
    expect(new Set(tokens).size).toBe(4);
  });

  test('goes with the weight, so that no cookie is left that could bring requests', () => {
    const cluster = held(PINNED);
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    expect(cluster.share?.affinity).toMatchObject({ cookie: 'kanari', maxAgeSeconds: 60 });
    cluster.neverReady.add('v2');
    cluster.look();
    expect(cluster.share).toEqual({ weight: 0 });
  });
});

describe('stepWeightPromotion', () => {
  test('gives the rolled-out primary the requests back bit by bit', () => {
    const cluster = held({ stepWeightPromotion: 20 });
    cluster.runToEnd({ until: () => cluster.weight === 30 });
    expect([cluster.phase, cluster.replicaSets[0]?.spec.template.spec.containers?.[0]?.image]).toEqual([
      'Promoting',
      'web:v2',
    ]);
    const since = cluster.now.getTime();
    expect(sharesOf(cluster)).toEqual([{ weight: 30 }, { weight: 10 }, { weight: 0 }, undefined]);
    expect(cluster.now.getTime() - since).toBeGreaterThanOrEqual(2 * cluster.settings.intervalMs);
    expect(cluster.events.filter((told) => told.startsWith('Advance web primary'))).toEqual([
      'Advance web primary weight 70',
      'Advance web primary weight 90',
    ]);
  });

  test('draws pinned clients anew at each weight', () => {
    const cluster = held({ ...PINNED, stepWeightPromotion: 20 });
    const tokens = sharesOf(cluster).flatMap((share) => share?.affinity?.token ?? []);
    expect(new Set(tokens).size).toBe(4);
  });

  test('goes on by the weight that it had decided on when it was killed', () => {
    const cluster = held({ stepWeightPromotion: 20 });
    cluster.runToEnd({ until: () => cluster.weight === 30 });
    const decided = () => statusOf(cluster).canaryWeight === 10;
    cluster.runToEnd({ until: decided, killAfter: () => 1 });
    expect(cluster.weight).toBe(30);
    expect(sharesOf(cluster)).toEqual([{ weight: 10 }, { weight: 0 }, undefined]);
  });

  test('ends at once when the canary loses its endpoints', () => {
    const cluster = held({ stepWeightPromotion: 20 });
    cluster.runToEnd({ until: () => cluster.weight === 30 });
    cluster.neverReady.add('v2');
    cluster.look();
    expect(cluster.weight).toBe(0);
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
  });
});

describe('settings that change mid-run', () => {
  test.each<[string, Partial<Settings>, Partial<Settings>]>([
    ['weights become an A/B test', {}, AB],
    ['an A/B test becomes weights', AB, { iterations: undefined }],
    ['a mirror is added', {}, { mirror: 50 }],
    ['iterations become fewer', { iterations: { checks: 30, match } }, AB],
  ])('%s: the run goes on by them to its end', (_words, before, after) => {
    const cluster = held(before);
    cluster.runToEnd({ seconds: 20 });
    cluster.settings = { ...cluster.settings, ...after };
    cluster.runToEnd();
    expect([outcomes(cluster), cluster.share, cluster.canaryDeployment]).toEqual([
      ['Promoted'],
      undefined,
      undefined,
    ]);
  });

  test('count the checks of a match anew after a mirror that was put before it', () => {
    const cluster = held(AB);
    cluster.runToEnd({ until: () => statusOf(cluster).iterations === 2 });
    cluster.settings = { ...cluster.settings, mirror: 50 };
    cluster.runToEnd();
    const first = cluster.events.filter((told) => told === 'Advance web canary iteration 1/3');
    expect([outcomes(cluster), first.length]).toEqual([['Promoted'], 2]);
  });

  const problem = { reason: 'PolicyNotFound', message: 'CanaryPolicy careful is gone' } as const;

  test('by a policy that is lost keep the weight, and nothing is promoted until it is there again', () => {
    const cluster = held({});
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.settings = { ...cluster.settings, policyProblem: problem };
    cluster.runToEnd({ seconds: 120 });
    expect([cluster.weight, statusOf(cluster).reason]).toEqual([20, 'PolicyNotFound']);
    expect(cluster.events.filter((told) => told.includes('careful is gone; the run waits'))).toHaveLength(1);
    cluster.settings = { ...cluster.settings, policyProblem: undefined };
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
  });

  test('a canary that fails while its policy is lost is withdrawn all the same', () => {
    const cluster = held({});
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.settings = { ...cluster.settings, policyProblem: problem };
    cluster.errorRate['v2'] = 0.5;
    cluster.runToEnd({ seconds: 60 });
    expect(outcomes(cluster)).toEqual(['RolledBack']);
  });
});

describe('killed between any two writes', () => {
  const end = (settings: Partial<Settings>, tag: string, kills: readonly number[]) => {
    const cluster = held(settings, tag);
    cluster.errorRate['bad'] = 0.3;
    const left = [...kills];
    cluster.runToEnd({ killAfter: () => left.shift() ?? Number.POSITIVE_INFINITY });
    const { phase, share, destinations, canaryDeployment, deployment } = cluster;
    return {
      phase,
      share,
      destinations,
      canaryDeployment,
      paused: deployment.spec.paused,
      runs: outcomes(cluster),
    };
  };

  test.each<[string, Partial<Settings>]>([
    ['an A/B test', AB],
    ['blue/green', { ...BLUE_GREEN, ...READINESS }],
    ['blue/green by copies', { ...BLUE_GREEN, mirror: 50 }],
    ['a mirror before weights', { mirror: 100 }],
    ['a mirror before an A/B test', { ...AB, mirror: 50 }],
    ['pinned clients and a slow way down', { ...PINNED, stepWeightPromotion: 20 }],
  ])('%s reaches the same end', (_words, settings) => {
    const kills = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 60 });
    for (const tag of ['good', 'bad']) {
      const expected = end(settings, tag, []);
      fc.assert(
        fc.property(kills, (list) => {
          expect(end(settings, tag, list)).toEqual(expected);
        }),
        { numRuns: 15 },
      );
    }
  });
});
