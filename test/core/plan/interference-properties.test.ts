import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GatePlace } from '../../../src/core/gate-place.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

// Whatever people, controllers and crashes do in whatever order: the cluster itself checks every write, and once they
// leave off, the run comes to an end that leaves nothing behind.

type Action =
  | { kind: 'apply'; tag: string }
  | { kind: 'applyAlone'; tag: string }
  | { kind: 'resumeAlone' }
  | { kind: 'scale'; replicas: number }
  | { kind: 'metrics'; state: 'up' | 'down' | 'empty' }
  | { kind: 'ready'; is: boolean }
  | { kind: 'undo'; how: SimulatedCluster['undoing'] }
  | { kind: 'kill'; after: number }
  | { kind: 'forget' }
  | { kind: 'gates'; at: GatePlace[] }
  | { kind: 'command'; word: string }
  | { kind: 'wait'; seconds: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant('apply' as const), tag: fc.constantFrom('v1', 'v2', 'v3', 'bad') }),
  fc.record({ kind: fc.constant('applyAlone' as const), tag: fc.constantFrom('v1', 'v2', 'v3', 'bad') }),
  fc.record({ kind: fc.constant('resumeAlone' as const) }),
  fc.record({ kind: fc.constant('scale' as const), replicas: fc.constantFrom(0, 1, 4, 10) }),
  fc.record({ kind: fc.constant('metrics' as const), state: fc.constantFrom('up', 'down', 'empty') }),
  fc.record({ kind: fc.constant('ready' as const), is: fc.boolean() }),
  fc.record({
    kind: fc.constant('undo' as const),
    how: fc.constantFrom('nothing', 'at once', 'later', 'destinations'),
  }),
  fc.record({ kind: fc.constant('kill' as const), after: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('forget' as const) }),
  fc.record({
    kind: fc.constant('gates' as const),
    at: fc.subarray<GatePlace>(['start', 'traffic', 'promotion']),
  }),
  fc.record({
    kind: fc.constant('command' as const),
    word: fc.constantFrom('abort', 'approve', 'pause', 'promote', 'resume', 'retry', 'retry=1-0-0', 'stop'),
  }),
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 12 }) }),
);

/** What admission would hold: a changed template, outside of a rolling update, of a Deployment with pods. */
const apply = (cluster: SimulatedCluster, tag: string, hold: 'hold' | 'holdAlone'): void => {
  const { spec, status, metadata } = cluster.deployment;
  const rolling = spec.paused !== true && (status?.observedGeneration ?? 0) < (metadata.generation ?? 0);
  const same = spec.template.spec.containers?.[0]?.image === `web:${tag}`;
  if (!rolling && !same && spec.replicas !== 0) cluster[hold](tag);
};

const act = (cluster: SimulatedCluster, next: Action): void => {
  if (next.kind === 'apply') apply(cluster, next.tag, 'hold');
  else if (next.kind === 'applyAlone') apply(cluster, next.tag, 'holdAlone');
  else if (next.kind === 'resumeAlone') cluster.resumeAlone();
  else if (next.kind === 'scale') cluster.deployment.spec.replicas = next.replicas;
  else if (next.kind === 'metrics') cluster.metrics = next.state;
  else if (next.kind === 'undo') cluster.undoing = next.how;
  else if (next.kind === 'command') cluster.command = next.word;
  else if (next.kind === 'gates') cluster.settings = { ...cluster.settings, approve: next.at };
  else if (next.kind === 'forget') cluster.canary = undefined;
  else if (next.kind === 'kill') cluster.look(next.after);
  else if (next.kind === 'wait') cluster.runToEnd({ seconds: next.seconds });
  else if (next.is) cluster.neverReady.clear();
  else cluster.neverReady.add('v2');
};

test('every run ends and leaves nothing behind, whatever was done to it', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 3, maxLength: 25 }), (actions) => {
      const cluster = new SimulatedCluster();
      cluster.errorRate['bad'] = 0.5;
      cluster.runToEnd({ seconds: 3 });
      for (const next of actions) {
        act(cluster, next);
        cluster.runToEnd({ seconds: 1 });
      }
      cluster.metrics = 'up';
      cluster.undoing = 'nothing';
      cluster.neverReady.clear();
      cluster.settings = { ...cluster.settings, approve: [] };
      cluster.command = 'resume';
      cluster.deployment.spec.replicas = 4;
      // Longer than a run whose routes were fought over waits for its next try.
      cluster.runToEnd({ seconds: 250 });
      expect([cluster.weight, cluster.destinations, cluster.canaryDeployment]).toEqual([
        undefined,
        false,
        undefined,
      ]);
      const paused = cluster.deployment.spec.paused === true;
      expect(paused ? ['Failed'] : ['Succeeded', 'Initialized']).toContain(cluster.phase);
      const { writes } = cluster;
      cluster.runToEnd({ seconds: 5 });
      expect(cluster.writes).toBe(writes);
    }),
    { numRuns: 60 },
  );
});
