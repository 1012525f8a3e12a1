import { describe, expect, test } from 'vitest';
import { opened } from './run-beginnings.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

// A change that comes while the serving version ails is taken for the fix; nothing else is.

const ailing = (pods: number): SimulatedCluster => {
  const cluster = opened();
  cluster.ailing = pods;
  cluster.hold('v2');
  return cluster;
};

const serving = (cluster: SimulatedCluster): string | undefined =>
  cluster.replicaSets.find(({ spec }) => (spec.replicas ?? 0) > 0)?.spec.template.spec.containers?.[0]?.image;

describe('a change that finds the primary short of what its user wants at the least', () => {
  test('is released after ten seconds without any getting better, and that is counted once', () => {
    const cluster = ailing(2);
    cluster.runToEnd({ seconds: 9 });
    expect([cluster.deployment.spec.paused, cluster.canary?.status?.reason]).toEqual([
      true,
      'PrimaryNotReady',
    ]);
    expect(cluster.canary?.status?.message).toMatch(/2 pods .* can not become ready.* taken for the fix/);
    cluster.runToEnd({ seconds: 20 });
    expect([cluster.deployment.spec.paused, serving(cluster)]).toEqual([false, 'web:v2']);
    expect(cluster.ungated).toEqual(['PrimaryUnhealthy']);
    expect(cluster.canary?.status).toMatchObject({
      phase: 'Initialized',
      history: [{ outcome: 'Skipped', reason: 'PrimaryUnhealthy' }],
    });
    expect([cluster.canaryDeployment, cluster.weight, cluster.destinations]).toEqual([
      undefined,
      undefined,
      false,
    ]);
  });

  test('is released though Kanari is killed at any write', () => {
    for (let writes = 0; writes < 3; writes += 1) {
      const cluster = ailing(2);
      cluster.runToEnd({
        seconds: 40,
        killAfter: () => (Math.floor(cluster.now.getTime() / 1_000) % 2) * 9 + writes,
      });
      cluster.runToEnd({ seconds: 20 });
      expect([writes, serving(cluster), cluster.phase]).toEqual([writes, 'web:v2', 'Initialized']);
    }
  });

  test.each([
    ['one pod recovers', 1],
    ['all recover', 0],
  ])('gets its canary once %s', (_what, left) => {
    const cluster = ailing(2);
    cluster.runToEnd({ seconds: 6 });
    cluster.ailing = left;
    cluster.runToEnd();
    expect([cluster.ungated, cluster.phase]).toEqual([[], 'Succeeded']);
  });

  test('gets its canary when things got a little better, and waits with it for the rest', () => {
    const cluster = ailing(3);
    cluster.runToEnd({ seconds: 6 });
    cluster.ailing = 2;
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.canary?.status).toMatchObject({ canaryWeight: 0, reason: 'PrimaryNotReady' });
    expect(cluster.ungated).toEqual([]);
  });

  test('is not released when another change or a revert comes meanwhile', () => {
    const cluster = ailing(2);
    cluster.runToEnd({ seconds: 9 });
    cluster.hold('v1');
    cluster.runToEnd({ seconds: 20 });
    expect([serving(cluster), cluster.restarts, cluster.ungated]).toEqual(['web:v1', 0, []]);
  });

  test('is released out of a run for an older change, its canary withdrawn', () => {
    const cluster = opened();
    cluster.hold('v2');
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.ailing = 2;
    cluster.hold('v3');
    cluster.runToEnd({ seconds: 60 });
    expect([serving(cluster), cluster.weight, cluster.ungated]).toEqual([
      'web:v3',
      undefined,
      ['PrimaryUnhealthy'],
    ]);
  });
});

describe('a manifest of a held Deployment, restored where nothing took its pause off,', () => {
  /** Its ReplicaSets, its pods and its Canary were not restored. */
  const restored = (hold: (cluster: SimulatedCluster) => void): SimulatedCluster => {
    const cluster = new SimulatedCluster();
    hold(cluster);
    cluster.replicaSets = [];
    cluster.deployment.status = { observedGeneration: cluster.deployment.metadata.generation ?? 0 };
    return cluster;
  };

  test.each<[string, (cluster: SimulatedCluster) => void]>([
    ['with all marks', (cluster) => cluster.hold('v2')],
    ['with that of the failsafe alone', (cluster) => cluster.holdAlone('v2')],
  ])('%s, is released: there is nothing to compare with, nor anything that serves', (_marks, hold) => {
    const cluster = restored(hold);
    cluster.runToEnd({ seconds: 9 });
    expect([cluster.deployment.spec.paused, cluster.canary?.status?.message]).toEqual([
      true,
      expect.stringContaining('no pod of a serving version is there'),
    ]);
    cluster.runToEnd({ seconds: 30 });
    expect([cluster.deployment.spec.paused, serving(cluster)]).toEqual([false, 'web:v2']);
    expect([cluster.ungated, cluster.canaryDeployment]).toEqual([['PrimaryUnhealthy'], undefined]);
  });

  test.each<[string, (cluster: SimulatedCluster) => void]>([
    [
      'the Deployment controller has not looked at it: it may find orphans to adopt',
      ({ deployment }) => void (deployment.status = {}),
    ],
    [
      'that counts pods of it: the cache of ReplicaSets is behind',
      ({ deployment }) => void (deployment.status = { ...deployment.status, replicas: 4 }),
    ],
  ])('stays held while %s', (_why, change) => {
    const cluster = restored((held) => held.hold('v2'));
    change(cluster);
    cluster.runToEnd({ seconds: 60 });
    expect([cluster.deployment.spec.paused, cluster.ungated]).toEqual([true, []]);
  });
});

describe('a change stays held', () => {
  test.each<[string, (cluster: SimulatedCluster) => void]>([
    ['that finds no more pods missing than its user tolerates', (cluster) => void (cluster.ailing = 1)],
    [
      'right after a scale-up from 4 to 10',
      (cluster) => {
        cluster.deployment.spec.replicas = 10;
        cluster.replicaSets = cluster.replicaSets.map((set) => ({
          ...set,
          spec: { ...set.spec, replicas: 10 },
        }));
        cluster.starting = 6;
      },
    ],
    [
      'of one replica whose pod was replaced',
      (cluster) => {
        cluster.deployment.spec.replicas = 1;
        cluster.replicaSets = cluster.replicaSets.map((set) => ({
          ...set,
          spec: { ...set.spec, replicas: 1 },
        }));
        cluster.starting = 1;
      },
    ],
  ])('%s', (_what, before) => {
    const cluster = opened();
    before(cluster);
    cluster.hold('v2');
    cluster.runToEnd({ seconds: 12 });
    cluster.starting = 0;
    cluster.runToEnd();
    expect([cluster.ungated, cluster.canary?.status?.history[0]?.outcome]).toEqual([[], 'Promoted']);
  });

  test('when the primary falls ill mid-run: the run stops advancing, says so, and goes on', () => {
    const cluster = opened();
    cluster.hold('v2');
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.ailing = 3;
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.canary?.status).toMatchObject({ canaryWeight: 20, reason: 'PrimaryNotReady' });
    expect([cluster.deployment.spec.paused, cluster.ungated]).toEqual([true, []]);
    cluster.ailing = 0;
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });

  test('that has failed and is tried again, whatever the primary does', () => {
    const cluster = opened();
    cluster.hold('v3');
    cluster.errorRate['v3'] = 0.5;
    cluster.runToEnd();
    cluster.ailing = 3;
    cluster.command = 'retry';
    cluster.runToEnd({ seconds: 60 });
    expect([cluster.deployment.spec.paused, cluster.ungated]).toEqual([true, []]);
  });
});
