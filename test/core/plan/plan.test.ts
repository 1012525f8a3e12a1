import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Deployment } from '../../../src/core/objects.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import type { Snapshot } from '../../../src/core/snapshot.ts';
import { opened, outcomes } from './run-beginnings.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

const clean = (cluster: SimulatedCluster) => ({
  weight: cluster.weight,
  destinations: cluster.destinations,
  canary: cluster.canaryDeployment,
});
const CLEAN = { weight: undefined, destinations: false, canary: undefined };

const held = (tag: string): SimulatedCluster => {
  const cluster = opened();
  cluster.hold(tag);
  return cluster;
};

describe('a run', () => {
  test('of a good revision is promoted by the native rolling update and leaves nothing behind', () => {
    const cluster = held('v2');
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
    expect(cluster.deployment.spec.paused).toBe(false);
    expect(cluster.replicaSets[0]?.spec.template.spec.containers?.[0]?.image).toBe('web:v2');
    expect(clean(cluster)).toEqual(CLEAN);
    expect(outcomes(cluster)).toEqual(['Promoted']);
  });

  test('after another keeps the template of what serves, and drops those of versions before', () => {
    const cluster = held('v2');
    cluster.runToEnd();
    cluster.hold('v3');
    cluster.runToEnd();
    expect(cluster.kept.map(({ template }) => template.spec.containers?.[0]?.image)).toEqual(['web:v2']);
  });

  test('tells its story in events, each once', () => {
    const cluster = held('v2');
    cluster.runToEnd();
    expect(cluster.events).toEqual([
      expect.stringMatching(/^New revision detected! web web:v2 \(1-[0-9a-f]{10}\)$/),
      'Starting canary analysis for web-canary',
      'Advance web canary weight 20',
      'Advance web canary weight 50',
      'Promoting web: rolling update to the analysed template',
      'Promotion completed! web runs web:v2',
    ]);
  });

  test('of a bad revision is rolled back, the Deployment held and failed, the primary untouched', () => {
    const cluster = held('v3');
    cluster.errorRate['v3'] = 0.3;
    cluster.runToEnd();
    expect(cluster.phase).toBe('Failed');
    expect(cluster.deployment.spec.paused).toBe(true);
    expect(cluster.deployment.status?.conditions?.[0]?.reason).toBe('ProgressDeadlineExceeded');
    expect(cluster.restarts).toBe(0);
    expect(clean(cluster)).toEqual(CLEAN);
    expect(outcomes(cluster)).toEqual(['RolledBack']);
    expect(cluster.canary?.status?.checks).toMatchObject([
      { metric: 'success-rate', verdict: 'fail', confidence: 'beyond doubt (E ≥ 1,000)' },
    ]);
  });

  test('of a failed revision does not start again by itself, and writes nothing more', () => {
    const cluster = held('v3');
    cluster.errorRate['v3'] = 0.3;
    cluster.runToEnd();
    const { writes } = cluster;
    cluster.runToEnd({ seconds: 60 });
    expect({ writes: cluster.writes, outcomes: outcomes(cluster) }).toEqual({
      writes,
      outcomes: ['RolledBack'],
    });
  });

  test('of a failed revision is promoted by command, without a canary and without its failed condition', () => {
    const cluster = held('v3');
    cluster.errorRate['v3'] = 0.3;
    cluster.runToEnd();
    const told = cluster.events.length;
    cluster.command = 'promote';
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted', 'RolledBack']);
    expect(cluster.replicaSets[0]?.spec.template.spec.containers?.[0]?.image).toBe('web:v3');
    expect(cluster.deployment.status?.conditions).toEqual([]);
    expect(cluster.events.slice(told)).not.toContain('Starting canary analysis for web-canary');
    expect(clean(cluster)).toEqual(CLEAN);
  });

  test('of a failed revision starts again by command, and no other command starts it', () => {
    const cluster = held('v3');
    cluster.errorRate['v3'] = 0.3;
    cluster.runToEnd();
    cluster.command = 'abort';
    cluster.runToEnd({ seconds: 10 });
    expect({ command: cluster.command, outcomes: outcomes(cluster) }).toEqual({
      command: undefined,
      outcomes: ['RolledBack'],
    });
    cluster.errorRate['v3'] = 0;
    cluster.command = 'retry';
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted', 'RolledBack']);
  });

  test('of a failed revision that is released ungated is not told as taken back, and may be a canary again', () => {
    const cluster = held('v3');
    cluster.errorRate['v3'] = 0.3;
    cluster.runToEnd();
    cluster.skip();
    cluster.runToEnd();
    expect(cluster.canary?.status).toMatchObject({
      phase: 'Initialized',
      reason: 'Released',
      message: 'the failed template was released without a canary',
    });
    expect(cluster.canary?.status?.failedRevision).toBeUndefined();
  });

  test('that follows a failed one starts with the failed condition cleared', () => {
    const cluster = held('v3');
    cluster.errorRate['v3'] = 0.3;
    cluster.runToEnd();
    cluster.hold('v4');
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted', 'RolledBack']);
    expect(cluster.deployment.status?.conditions).toEqual([]);
  });

  test('whose pods never become ready is rolled back without having had traffic', () => {
    const cluster = held('v3');
    cluster.neverReady.add('v3');
    let most = 0;
    cluster.runToEnd({
      seconds: 900,
      until: () => {
        most = Math.max(most, cluster.weight ?? 0);
        return cluster.phase === 'Failed';
      },
    });
    expect({ phase: cluster.phase, most }).toEqual({ phase: 'Failed', most: 0 });
    expect(cluster.canary?.status?.message).toContain('canary pods ready');
  });

  test('reverted is withdrawn, and no pod of the primary restarts', () => {
    const cluster = held('v2');
    cluster.runToEnd({ until: () => (cluster.weight ?? 0) >= 20 });
    cluster.hold('v1');
    cluster.runToEnd();
    expect({ restarts: cluster.restarts, paused: cluster.deployment.spec.paused }).toEqual({
      restarts: 0,
      paused: false,
    });
    expect(outcomes(cluster)).toEqual(['Reverted']);
    expect(clean(cluster)).toEqual(CLEAN);
  });

  test('reverted before adoption still restarts no pod', () => {
    const cluster = opened({ adopted: false });
    cluster.hold('v2');
    cluster.look();
    cluster.hold('v1');
    cluster.runToEnd();
    expect(cluster.restarts).toBe(0);
    expect(cluster.deployment.spec.paused).toBe(false);
  });

  test('superseded starts from the first step with the new revision, at weight 0', () => {
    const cluster = held('v2');
    cluster.runToEnd({ until: () => cluster.weight === 50 });
    cluster.hold('v3');
    cluster.runToEnd({ until: () => cluster.canary?.status?.step === 0 });
    expect(outcomes(cluster)).toEqual(['Superseded']);
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted', 'Superseded']);
    expect(cluster.replicaSets[0]?.spec.template.spec.containers?.[0]?.image).toBe('web:v3');
  });

  test('adopts the pods of a Deployment from before the opt-in first', () => {
    const cluster = opened({ adopted: false });
    cluster.hold('v2');
    cluster.runToEnd({ until: () => cluster.weight === 0 });
    expect({ adopted: cluster.adopted, restarts: cluster.restarts }).toEqual({ adopted: true, restarts: 0 });
  });

  test.each(['down', 'empty'] as const)('advances nothing while the metrics server is %s', (metrics) => {
    const cluster = held('v2');
    cluster.metrics = metrics;
    cluster.runToEnd({ seconds: 120 });
    expect(cluster.canary?.status?.canaryWeight).toBe(20);
  });

  test('is Paused, not failed, when the metrics server stays down past the deadline, and goes on by itself', () => {
    const cluster = held('v2');
    cluster.metrics = 'down';
    cluster.runToEnd({ seconds: 700 });
    expect(cluster.phase).toBe('Paused');
    cluster.metrics = 'up';
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });

  test('without any evidence past the deadline follows on-no-data', () => {
    const cluster = held('v2');
    cluster.metrics = 'empty';
    cluster.runToEnd({ seconds: 700 });
    expect(cluster.phase).toBe('Failed');
  });

  const undecided = (onNoData: 'rollback' | 'promote'): SimulatedCluster => {
    const cluster = held('v2');
    cluster.settings = { ...cluster.settings, analysis: 'sequential', onNoData };
    cluster.errorRate['v2'] = 0.012;
    cluster.runToEnd({ seconds: 700 });
    return cluster;
  };

  test('that sequential analysis can not decide by the deadline is rolled back as on-no-data says', () => {
    const cluster = undecided('rollback');
    expect(cluster.phase).toBe('Failed');
    expect(cluster.canary?.status?.history[0]?.reason).toBe('Undecided');
    expect(cluster.canary?.status?.message).toContain('undecided within the progress deadline');
  });

  test('that sequential analysis can not decide is never promoted: there is evidence, and it is not for it', () => {
    const cluster = undecided('promote');
    expect(cluster.phase).toBe('Paused');
    expect(cluster.canary?.status).toMatchObject({ reason: 'Undecided', canaryWeight: 20 });
  });

  test('that is compared with a primary which can not be read advances nothing', () => {
    const cluster = held('v2');
    cluster.settings = { ...cluster.settings, compare: 'primary' };
    cluster.runToEnd({ seconds: 120 });
    expect(cluster.canary?.status).toMatchObject({ reason: 'NoPrimarySamples', canaryWeight: 20 });
  });

  test('that leaves the primary nothing to be compared with is judged by the limits', () => {
    const cluster = held('v2');
    cluster.settings = { ...cluster.settings, compare: 'primary', steps: [100] };
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });

  test('whose canary loses its endpoints gives the traffic back at once and counts a failed check', () => {
    const cluster = held('v2');
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.neverReady.add('v2');
    cluster.look();
    expect({ weight: cluster.weight, failedChecks: cluster.canary?.status?.failedChecks }).toEqual({
      weight: 0,
      failedChecks: 1,
    });
    cluster.neverReady.clear();
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });

  test('scaled to zero ends, and starts again when it is scaled up', () => {
    const cluster = held('v2');
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.deployment.spec.replicas = 0;
    cluster.runToEnd({ seconds: 60 });
    expect({ outcomes: outcomes(cluster), ...clean(cluster) }).toEqual({ outcomes: ['Aborted'], ...CLEAN });
    cluster.deployment.spec.replicas = 4;
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted', 'Aborted']);
  });
});

describe('a promotion', () => {
  test('goes on without the weight of a canary that lost its pods', () => {
    const cluster = held('v2');
    cluster.runToEnd({ until: () => cluster.phase === 'Promoting' });
    expect(cluster.weight).toBe(50);
    cluster.neverReady.add('v2');
    cluster.look();
    expect(cluster.weight).toBe(0);
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
    expect(clean(cluster)).toEqual(CLEAN);
  });
});

describe('an idle Deployment', () => {
  test('that is not opted in is left alone', () => {
    const snapshot = { ...new SimulatedCluster().snapshot(), optedIn: false };
    expect(plan(snapshot, new Date(0))).toMatchObject({
      status: undefined,
      effects: [],
      requeueAfterMs: undefined,
    });
  });

  test('gets its Canary once and then costs no write', () => {
    const cluster = opened();
    expect(cluster.phase).toBe('Initialized');
    const { writes } = cluster;
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.writes).toBe(writes);
  });

  test('that is deleted has its routes restored before its destinations go', () => {
    const snapshot = { ...new SimulatedCluster().snapshot(), deployment: undefined };
    const split = { ...snapshot.traffic, routesRestored: false, destinationsRemoved: false };
    expect(plan({ ...snapshot, traffic: split }, new Date(0)).effects).toEqual([{ kind: 'restoreRoutes' }]);
    const restored = { ...split, routesRestored: true };
    expect(plan({ ...snapshot, traffic: restored }, new Date(0)).effects).toEqual([
      { kind: 'removeDestinations' },
    ]);
  });
});

describe('killed between any two writes', () => {
  // An annotation stored while the webhook was away, and then the kill: the spec still gives the canary its share.
  const halfWritten = ({ traffic, ...rest }: Snapshot): Snapshot => ({
    ...rest,
    traffic: { ...traffic, split: false, share: undefined, routesRestored: false },
  });

  test('a canary keeps its pods until weight 0 stands in every route', () => {
    const cluster = held('v2');
    cluster.runToEnd({ until: () => cluster.phase === 'Finalising' && cluster.weight === 0 });
    const { effects } = plan(halfWritten(cluster.snapshot()), cluster.now);
    expect(effects).toContainEqual({ kind: 'setShare', share: { weight: 0 } });
    expect(effects).not.toContainEqual(expect.objectContaining({ kind: 'deleteCanary' }));
  });

  test('routes half given back are not split again once the canary is gone', () => {
    const cluster = held('v2');
    const gone = () => cluster.canary?.status?.run?.milestones.canaryGone !== undefined;
    cluster.runToEnd({ until: gone });
    cluster.tick(5_000);
    const { effects } = plan(halfWritten(cluster.snapshot()), cluster.now);
    expect(effects).toEqual([{ kind: 'restoreRoutes' }]);
  });

  test('a canary that lost its pods loses its weight in the routes too', () => {
    const cluster = held('v2');
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.neverReady.add('v2');
    cluster.look(1);
    expect(cluster.canary?.status).toMatchObject({ canaryWeight: 0, failedChecks: 1 });
    expect(cluster.weight).toBe(20);
    cluster.look();
    expect(cluster.weight).toBe(0);
    expect(cluster.canary?.status?.failedChecks).toBe(1);
  });

  const end = (tag: string, kills: number[]): unknown => {
    const cluster = held(tag);
    cluster.errorRate['bad'] = 0.3;
    const left = [...kills];
    cluster.runToEnd({ killAfter: () => left.shift() ?? Number.POSITIVE_INFINITY });
    return {
      phase: cluster.phase,
      paused: cluster.deployment.spec.paused,
      outcomes: outcomes(cluster),
      ...clean(cluster),
    };
  };

  test.each(['good', 'bad'])('a %s run reaches the same end', (tag) => {
    const expected = end(tag, []);
    const kills = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 60 });
    fc.assert(
      fc.property(kills, (list) => {
        expect(end(tag, list)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a canary Deployment', () => {
  const canaryOf = (cluster: SimulatedCluster): Deployment => {
    cluster.runToEnd({ seconds: 20 });
    const { canaryDeployment } = cluster;
    if (canaryDeployment === undefined) throw new Error('no canary after 20 s');
    return { ...canaryDeployment, metadata: { ...canaryDeployment.metadata, uid: 'c1' } };
  };
  const planFor = (cluster: SimulatedCluster, deployment: Deployment) =>
    plan({ ...cluster.snapshot(), key: 'shop/web-canary', deployment, canary: undefined }, cluster.now);

  test('is no rollout of its own', () => {
    const cluster = held('v2');
    expect(planFor(cluster, canaryOf(cluster))).toMatchObject({ reason: 'CanaryItself', effects: [] });
  });

  test('that a deletion with orphan propagation has left behind is deleted', () => {
    const cluster = held('v2');
    const canary = canaryOf(cluster);
    const { ownerReferences: _, ...metadata } = canary.metadata;
    const orphan = { ...canary, metadata };
    const effects = [{ kind: 'deleteCanary', name: 'web-canary', uid: 'c1' }];
    expect(planFor(cluster, orphan)).toMatchObject({ status: undefined, effects });
  });
});
