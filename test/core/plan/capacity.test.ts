import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outcomes } from './run-beginnings.ts';
import { ScaledCluster } from './scaled-cluster.ts';

const held = (): ScaledCluster => {
  const cluster = new ScaledCluster();
  cluster.runToEnd({ seconds: 3 });
  cluster.hold('v2');
  return cluster;
};

const atWeight = (weight: number): ScaledCluster => {
  const cluster = held();
  cluster.runToEnd({ until: () => cluster.weight === weight && stands(cluster) });
  expect(cluster.weight).toBe(weight);
  return cluster;
};

const stands = (cluster: ScaledCluster): boolean => cluster.canary?.status?.run?.stepSince !== undefined;

describe('a canary', () => {
  test.each([
    [20, 10, 2],
    [50, 10, 5],
  ])('at %i % follows the primary up to %i pods with %i of its own', (weight, replicas, pods) => {
    const cluster = atWeight(weight);
    cluster.scale(replicas);
    cluster.runToEnd({ seconds: 2 });
    expect({ weight: cluster.weight, pods: cluster.canaryPods }).toEqual({ weight, pods });
  });

  test('follows it down at once, with its weight', () => {
    const cluster = atWeight(50);
    cluster.scale(12);
    cluster.runToEnd({ seconds: 2 });
    expect(cluster.canaryPods).toBe(6);
    cluster.scale(2);
    cluster.runToEnd({ seconds: 4 });
    expect({ weight: cluster.weight, pods: cluster.canaryPods }).toEqual({ weight: 50, pods: 1 });
  });

  test('keeps its weight and does not advance while the pods are missing that a larger primary asks for', () => {
    const cluster = atWeight(20);
    cluster.unready = 1;
    cluster.scale(10);
    cluster.runToEnd({ seconds: 30 });
    expect(cluster.canary?.status).toMatchObject({
      canaryWeight: 20,
      step: 0,
      reason: 'CanaryNotReady',
      message: '1 of 2 canary pods ready',
    });
    cluster.unready = 0;
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
  });

  test('whose steps are lowered loses its weight first, then the pods, when proxies have learnt it', () => {
    const cluster = atWeight(50);
    cluster.settings = { ...cluster.settings, steps: [20, 25] };
    cluster.look();
    expect({ weight: cluster.weight, pods: cluster.canaryPods }).toEqual({ weight: 25, pods: 2 });
    cluster.runToEnd({ seconds: 2 });
    expect(cluster.canaryPods).toBe(2);
    cluster.runToEnd({ seconds: 2 });
    expect(cluster.canaryPods).toBe(1);
  });

  test('whose steps are lowered while the primary is scaled up has the pods for the weight that it still has', () => {
    const cluster = atWeight(50);
    cluster.settings = { ...cluster.settings, steps: [20, 25] };
    cluster.scale(20);
    cluster.look();
    expect({ weight: cluster.weight, pods: cluster.canaryPods }).toEqual({ weight: 50, pods: 10 });
  });

  test('grows with a primary that is scaled up while it is promoted, and does not shrink any more', () => {
    const cluster = atWeight(50);
    cluster.quota = 6;
    cluster.runToEnd({ until: () => cluster.phase === 'Promoting' });
    const { deployment } = cluster;
    const available = { ...deployment.status, availableReplicas: 0 };
    cluster.deployment = { ...deployment, status: available };
    cluster.scale(8);
    cluster.look();
    expect(cluster.canaryPods).toBe(4);
    cluster.scale(2);
    cluster.look();
    expect(cluster.canaryPods).toBe(4);
  });

  test("for which a quota has no room says so in the API server's words, and is rolled back by the deadline", () => {
    const cluster = held();
    cluster.quota = 4;
    cluster.runToEnd({ seconds: 900, until: () => cluster.phase === 'Failed' });
    expect(cluster.canary?.status?.message).toBe('0 of 1 canary pods ready (exceeded quota: pods)');
    expect(outcomes(cluster)).toEqual(['RolledBack']);
  });

  test('that can not get the pods of a later step is rolled back from its weight by the deadline', () => {
    const cluster = atWeight(20);
    cluster.quota = 5;
    cluster.runToEnd({ seconds: 900, until: () => cluster.phase === 'Failed' });
    expect(outcomes(cluster)).toEqual(['RolledBack']);
    expect(cluster.canary?.status?.message).toBe('1 of 2 canary pods ready (exceeded quota: pods)');
  });

  test('that never gets its pods is rolled back by the deadline, however often the primary changes its size', () => {
    const cluster = atWeight(20);
    cluster.unready = 1;
    for (let minute = 0; minute < 12 && cluster.phase !== 'Failed'; minute += 1) {
      cluster.scale(minute % 2 === 0 ? 10 : 20);
      cluster.runToEnd({ seconds: 60 });
    }
    expect(outcomes(cluster)).toEqual(['RolledBack']);
  });
});

describe('a promotion', () => {
  test('for which a quota has no room gets that of the canary, whose weight goes first', () => {
    const cluster = atWeight(50);
    cluster.quota = 6;
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
    expect(cluster.events).toContain(
      'the canary makes room for the rolling update, whose pods are refused: exceeded quota: pods',
    );
  });

  test('for which a quota has no room leaves the weight where it is while the primary could not carry it', () => {
    const cluster = atWeight(50);
    cluster.quota = 6;
    cluster.runToEnd({ until: () => cluster.phase === 'Promoting' });
    cluster.runToEnd({ seconds: 0 });
    cluster.deployment.status = { ...cluster.deployment.status, availableReplicas: 2 };
    cluster.look();
    expect(cluster.weight).toBe(50);
  });
});

describe('a primary that is not ready', () => {
  test('keeps the run from advancing, past the deadline as Paused, until it is well again', () => {
    const cluster = atWeight(20);
    cluster.ailing = 4;
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.canary?.status).toMatchObject({ phase: 'Progressing', reason: 'PrimaryNotReady' });
    cluster.runToEnd({ seconds: 600 });
    expect(cluster.canary?.status).toMatchObject({
      phase: 'Paused',
      reason: 'PrimaryNotReady',
      canaryWeight: 20,
      message:
        '4 pods of the serving version can not become ready, past the progress deadline; the run goes on by itself when that is over',
    });
    expect(cluster.canary?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Stalled', status: 'True' }),
    );
    cluster.ailing = 0;
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
  });
});

describe('where the number of pods makes the share', () => {
  const passive = (): ScaledCluster => {
    const cluster = new ScaledCluster();
    cluster.routed = false;
    cluster.runToEnd({ seconds: 3 });
    cluster.hold('v2');
    return cluster;
  };

  test('a step says what its pods make of it', () => {
    const cluster = passive();
    cluster.settings = { ...cluster.settings, steps: [10, 50] };
    cluster.runToEnd({ until: () => stands(cluster) });
    expect(cluster.canary?.status).toMatchObject({
      canaryWeight: 10,
      message: 'canary weight 10 % (1 of 5 pods: 20 %), collecting evidence',
    });
    cluster.runToEnd();
    expect(cluster.events).toContain('Advance web canary weight 50 (4 of 8 pods: 50 %)');
    expect({ most: cluster.most, primary: cluster.replicas }).toEqual({ most: 4, primary: 4 });
  });

  test('the canary follows the primary, and the primary is scaled by nobody else', () => {
    const cluster = passive();
    cluster.runToEnd({ until: () => stands(cluster) });
    cluster.scale(12);
    cluster.runToEnd({ seconds: 2 });
    expect({ canary: cluster.canaryPods, primary: cluster.replicas }).toEqual({ canary: 3, primary: 12 });
  });
});

describe('scaled at any time, with steps changed and Kanari killed', () => {
  const happening = fc.record({
    seconds: fc.integer({ min: 0, max: 9 }),
    replicas: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
    steps: fc.option(fc.constantFrom<number[]>([20, 50], [5], [80, 100], [1, 2, 3]), { nil: undefined }),
    kill: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
  });

  test.each([
    ['over routes', true],
    ['by the number of pods', false],
  ])('a run %s is promoted, and nothing is left', (_, routed) => {
    // What must never be, the cluster looks after at each write.
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 15 }), (story) => {
        const cluster = new ScaledCluster();
        cluster.routed = routed;
        cluster.runToEnd({ seconds: 3 });
        cluster.hold('v2');
        for (const { seconds, replicas, steps, kill } of story) {
          if (replicas !== undefined) cluster.scale(replicas);
          if (steps !== undefined) cluster.settings = { ...cluster.settings, steps };
          if (kill !== undefined) cluster.look(kill);
          cluster.runToEnd({ seconds });
        }
        cluster.runToEnd({ seconds: 900, until: () => cluster.phase === 'Succeeded' });
        expect(outcomes(cluster)).toEqual(['Promoted']);
        expect(cluster.canaryDeployment).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});
