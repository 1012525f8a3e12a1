import { describe, expect, test } from 'vitest';
import type { GatePlace } from '../../../src/core/gate-place.ts';
import type { Settings } from '../../../src/core/release-settings.ts';
import { held, statusOf } from './run-beginnings.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

// Gates: where a run waits for a person, and what may happen to it meanwhile. Steps are 20 and 50, an interval 5 s.

const waits = (cluster: SimulatedCluster): boolean => cluster.canary?.status?.reason === 'WaitingForApproval';

/** At the gate, and so for a while. */
const waiting = (settings: Partial<Settings>, change: Partial<SimulatedCluster> = {}): SimulatedCluster => {
  const cluster = held(settings, change);
  cluster.runToEnd({ until: () => waits(cluster) });
  cluster.runToEnd({ seconds: 30 });
  return cluster;
};

const approve = (cluster: SimulatedCluster): void => {
  cluster.command = 'approve';
  cluster.runToEnd({ seconds: 2 });
};

const eventsWith = (cluster: SimulatedCluster, words: string): string[] =>
  cluster.events.filter((event) => event.includes(words));

const APPROVE =
  /; to approve: kubectl annotate canary web -n shop kanari\.dev\/command=approve=1-[0-9a-f]{10}-2-[0-9a-z]+$/;

interface Wait {
  phase: string;
  weight: number | undefined;
  canary: boolean;
  ahead: string;
}

const WAITS: [GatePlace, Wait][] = [
  ['start', { phase: 'Waiting', weight: undefined, canary: false, ahead: 'before its canary starts' }],
  ['traffic', { phase: 'Waiting', weight: 0, canary: true, ahead: 'before this: canary weight 20 %' }],
  ['promotion', { phase: 'WaitingPromotion', weight: 50, canary: true, ahead: 'before the promotion' }],
];

describe.each(WAITS)('a gate at %s', (place, { phase, weight, canary, ahead }) => {
  const at = (settings: Partial<Settings> = {}): SimulatedCluster =>
    waiting({ approve: [place], ...settings });

  test('keeps the run where it is, and tells how to approve, once', () => {
    const cluster = at();
    expect([cluster.weight, cluster.canaryDeployment !== undefined]).toEqual([weight, canary]);
    expect(statusOf(cluster)).toMatchObject({ phase, canaryWeight: weight ?? 0 });
    expect(statusOf(cluster).message).toMatch(APPROVE);
    expect(statusOf(cluster).message).toContain(`waits for approval ${ahead}`);
    expect(eventsWith(cluster, 'web waits for approval')).toEqual([expect.stringMatching(APPROVE)]);
  });

  test('lets the run go on to its end when a person approves', () => {
    const cluster = at();
    for (let gates = 0; gates < 2; gates += 1) {
      approve(cluster);
      cluster.runToEnd({ seconds: 40, until: () => waits(cluster) });
    }
    expect(cluster.phase).toBe('Succeeded');
    expect(cluster.command).toBeUndefined();
  });

  test('writes nothing while it waits and nothing else happens', () => {
    const cluster = at();
    cluster.requestsPerSecond = 0;
    cluster.runToEnd({ seconds: 20 });
    const { writes } = cluster;
    cluster.runToEnd({ seconds: 20 });
    expect(cluster.writes).toBe(writes);
  });

  test('that times out says so once, pauses the run, and lets it go on when it is approved after all', () => {
    const cluster = at({ gateTimeoutMs: 20_000 });
    expect(statusOf(cluster)).toMatchObject({ phase: 'Paused', reason: 'WaitingForApproval' });
    expect(statusOf(cluster).message).toContain('overdue');
    cluster.runToEnd({ seconds: 30 });
    expect(eventsWith(cluster, `Halt web advancement waited 20s for approval ${ahead}`)).toHaveLength(1);
    approve(cluster);
    expect(statusOf(cluster).run?.gates?.[0]).toMatchObject({ openedAt: expect.any(String) });
    expect(statusOf(cluster).phase).not.toBe('Paused');
  });

  test('that times out lets the run go on, with a warning, where that is asked for', () => {
    const cluster = held({ approve: [place], gateTimeoutMs: 20_000, onGateTimeout: 'proceed' });
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
    expect(eventsWith(cluster, `web goes on without it: waited 20s for approval ${ahead}`)).toHaveLength(1);
  });

  test('that times out rolls the run back where that is asked for', () => {
    const cluster = held({ approve: [place], gateTimeoutMs: 20_000, onGateTimeout: 'rollback' });
    cluster.runToEnd();
    expect(statusOf(cluster)).toMatchObject({ phase: 'Failed', reason: 'GateTimedOut' });
    expect(eventsWith(cluster, 'Rolling back web waited 20s for approval')).toHaveLength(1);
    expect([cluster.weight, cluster.destinations, cluster.canaryDeployment]).toEqual([
      undefined,
      false,
      undefined,
    ]);
  });

  test.each<[string, string, (cluster: SimulatedCluster) => void]>([
    ['an abort', 'Aborted', (cluster) => (cluster.command = 'abort')],
    ['a revert', 'Reverted', (cluster) => cluster.hold('v1')],
    ['a release', 'Skipped', (cluster) => cluster.skip()],
    ['a promotion by command', 'Promoted', (cluster) => (cluster.command = 'promote')],
    [
      'a new revision',
      'Superseded',
      (cluster) => {
        cluster.hold('v3');
        cluster.settings = { ...cluster.settings, approve: [] };
      },
    ],
  ])('is left by %s', (_, outcome, leave) => {
    const cluster = at();
    leave(cluster);
    cluster.runToEnd();
    expect(statusOf(cluster).history.at(-1)?.outcome).toBe(outcome);
    expect([cluster.weight, cluster.destinations, cluster.canaryDeployment]).toEqual([
      undefined,
      false,
      undefined,
    ]);
  });

  test('waits for the same approval, whenever Kanari dies', () => {
    for (let killAfter = 0; killAfter < 4; killAfter += 1) {
      const cluster = held({ approve: [place] });
      let look = 0;
      // Every third look survives, so that the run gets anywhere.
      const dies = (): number => (look++ % 3 === 2 ? Number.POSITIVE_INFINITY : killAfter);
      cluster.runToEnd({ until: () => waits(cluster), killAfter: dies });
      cluster.runToEnd({ seconds: 20, killAfter: dies });
      expect([waits(cluster), cluster.weight]).toEqual([true, weight]);
      cluster.command = 'approve';
      const open = (): number => statusOf(cluster).run?.gates?.filter(({ openedAt }) => openedAt).length ?? 0;
      cluster.runToEnd({ seconds: 40, killAfter: dies });
      expect(open(), 'one approval opens one gate').toBe(1);
      expect(cluster.command).toBeUndefined();
    }
  });

  test('is open at once when nobody asks for approval any more', () => {
    const cluster = at();
    cluster.settings = { ...cluster.settings, approve: [] };
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });
});

/** A limit that 60 % of errors miss, and that the fast path leaves to the checks. */
const HALF = { successRate: 50, latency: 'off' } as const;

describe('while a run waits', () => {
  const before50 = (settings: Partial<Settings> = {}): SimulatedCluster => {
    const cluster = held({ approve: ['traffic'], ...settings });
    cluster.runToEnd({ until: () => waits(cluster) });
    approve(cluster);
    cluster.runToEnd({ until: () => waits(cluster) && cluster.weight === 20 });
    return cluster;
  };
  const beforePromotion = (settings: Partial<Settings> = {}): SimulatedCluster => {
    const cluster = held({ approve: ['promotion'], ...settings });
    cluster.runToEnd({ until: () => waits(cluster) });
    return cluster;
  };

  test('for the next share it keeps the one it has, and the pods for that', () => {
    const cluster = before50();
    cluster.deployment.spec.replicas = 10;
    cluster.runToEnd({ seconds: 30 });
    expect(statusOf(cluster)).toMatchObject({ phase: 'Waiting', step: 0, canaryWeight: 20 });
    expect(statusOf(cluster).message).toContain('before this: canary weight 50 %');
    expect(cluster.canaryDeployment?.spec.replicas).toBe(2);
  });

  test.each([
    ['the next share', before50],
    ['the promotion', beforePromotion],
  ])('for %s its checks go on, and failures roll it back', (_, at) => {
    const cluster = at(HALF);
    const judged = statusOf(cluster).run?.evidence?.judged.requests ?? 0;
    cluster.runToEnd({ seconds: 20 });
    expect(statusOf(cluster).run?.evidence?.judged.requests).toBeGreaterThan(judged);
    cluster.errorRate['v2'] = 0.6;
    cluster.runToEnd();
    expect(statusOf(cluster)).toMatchObject({ phase: 'Failed', reason: 'ThresholdReached' });
  });

  test('one failed check keeps it from the promotion until another has passed, approved or not', () => {
    const cluster = beforePromotion({ ...HALF, threshold: 5 });
    cluster.errorRate['v2'] = 0.6;
    cluster.runToEnd({ until: () => statusOf(cluster).failedChecks === 1 });
    cluster.errorRate['v2'] = 0;
    approve(cluster);
    expect(statusOf(cluster).run?.ending).toBeUndefined();
    cluster.runToEnd();
    expect(statusOf(cluster)).toMatchObject({ phase: 'Succeeded', failedChecks: 1 });
  });

  test('an outage is rolled back at once', () => {
    const cluster = beforePromotion();
    cluster.errorRate['v2'] = 0.9;
    cluster.runToEnd({ seconds: 8 });
    expect(statusOf(cluster).run?.ending).toMatchObject({ outcome: 'RolledBack', reason: 'OutageErrors' });
  });

  test('no evidence neither rolls it back nor promotes it, and an approval promotes what has passed', () => {
    for (const onNoData of ['rollback', 'promote'] as const) {
      const cluster = waiting({ approve: ['promotion'], progressDeadlineMs: 20_000, onNoData });
      cluster.metrics = 'empty';
      cluster.runToEnd({ seconds: 60 });
      expect(statusOf(cluster)).toMatchObject({ phase: 'WaitingPromotion', canaryWeight: 50 });
      approve(cluster);
      cluster.runToEnd();
      expect(statusOf(cluster).phase).toBe('Succeeded');
      expect(statusOf(cluster).message).toMatch(/^promoted at 50 %: success rate 100.00 %/);
    }
  });

  test('a canary that loses its endpoints loses its weight, and comes back without another approval', () => {
    const cluster = before50();
    cluster.neverReady.add('v2');
    cluster.runToEnd({ seconds: 3 });
    expect([cluster.weight, cluster.phase]).toEqual([0, 'Progressing']);
    cluster.neverReady.clear();
    cluster.runToEnd({ seconds: 30 });
    expect(cluster.weight).toBe(20);
    expect(waits(cluster)).toBe(true);
    approve(cluster);
    cluster.runToEnd({ until: () => cluster.weight === 50 });
    expect(cluster.weight).toBe(50);
  });

  test('a gate that is open stays so when the weight was withdrawn, and was approved before a new setting', () => {
    const cluster = held({ approve: ['start', 'traffic'] });
    for (let gates = 0; gates < 2; gates += 1) {
      cluster.runToEnd({ until: () => waits(cluster) });
      approve(cluster);
    }
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.neverReady.add('v2');
    cluster.runToEnd({ seconds: 3 });
    cluster.neverReady.clear();
    cluster.runToEnd({ seconds: 12, until: () => cluster.weight === 20 });
    expect(cluster.weight).toBe(20);
  });
});

describe('the canary of an overtaken run', () => {
  test.each([true, false])('goes while the next run waits for its start, routes or not (%s)', (routed) => {
    const cluster = held({}, { routed });
    cluster.runToEnd({ until: () => statusOf(cluster).canaryWeight === 20 });
    cluster.settings = { ...cluster.settings, approve: ['start'] };
    cluster.hold('v3');
    cluster.runToEnd({ seconds: 15 });
    expect(waits(cluster)).toBe(true);
    expect(cluster.canaryDeployment).toBeUndefined();
    approve(cluster);
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });
});

describe('without routes', () => {
  test('the canary has no pod before its first share is approved, and no more before the next', () => {
    const cluster = held({ approve: ['traffic'] }, { routed: false });
    cluster.runToEnd({ until: () => waits(cluster) });
    cluster.runToEnd({ seconds: 20 });
    expect(cluster.canaryDeployment).toBeUndefined();
    approve(cluster);
    cluster.runToEnd({ until: () => waits(cluster) });
    cluster.runToEnd({ seconds: 20 });
    expect(cluster.canaryDeployment?.spec.replicas).toBe(1);
    approve(cluster);
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });
});

describe('a run that is counted by checks', () => {
  const iterations = { checks: 2, match: [{ headers: { 'x-user': { exact: 'insider' } } }] };

  test('waits before requests that match, and with all of its checks before the promotion', () => {
    const cluster = held({ iterations, approve: ['traffic', 'promotion'] });
    cluster.runToEnd({ until: () => waits(cluster) });
    expect(statusOf(cluster).message).toContain('before this: requests that match go to the canary');
    expect(cluster.share).toEqual({ weight: 0 });
    approve(cluster);
    cluster.runToEnd({ until: () => waits(cluster) });
    cluster.runToEnd({ seconds: 30 });
    expect(statusOf(cluster)).toMatchObject({ phase: 'WaitingPromotion', iterations: 2 });
    approve(cluster);
    cluster.runToEnd();
    expect(statusOf(cluster)).toMatchObject({ phase: 'Succeeded', iterations: 2 });
    expect(statusOf(cluster).message).toContain('promoted after 2 checks');
  });

  test('without live traffic has no share to approve', () => {
    const cluster = held({ iterations: { checks: 2, match: undefined }, successRate: 'off', latency: 'off' });
    cluster.settings = { ...cluster.settings, approve: ['traffic'] };
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });

  test('waits before copies of requests, and again before the first weight', () => {
    const cluster = held({ mirror: 50, approve: ['traffic'] });
    cluster.runToEnd({ until: () => waits(cluster) });
    expect(statusOf(cluster).message).toContain('copies of 50 % of the requests');
    approve(cluster);
    cluster.runToEnd({ until: () => waits(cluster) });
    expect(cluster.share).toEqual({ weight: 0, mirror: 50 });
    expect(statusOf(cluster).message).toContain('canary weight 20 %');
  });
});
