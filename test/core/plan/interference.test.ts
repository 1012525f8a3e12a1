import { expect, test } from 'vitest';
import { HELD_BY_MARK, PRIMARY_MARK, RUN_MARK, WEIGHT_MARK } from '../../../src/core/marks.ts';
import type { ReplicaSet } from '../../../src/core/objects.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { at, failed, held } from './run-beginnings.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

// What people do to a run under way, and to what is left of one.

const kinds = (cluster: SimulatedCluster, changes: object = {}): string[] =>
  plan({ ...cluster.snapshot(), ...changes }, cluster.now).effects.map(({ kind }) => kind);

test('a canary whose run is forgotten, its Canary deleted and the Deployment released, is withdrawn', () => {
  const cluster = at(20);
  cluster.canary = undefined;
  cluster.perform({ kind: 'release', revision: 'x', template: cluster.deployment.spec.template });
  cluster.runToEnd();
  expect([cluster.weight, cluster.canaryDeployment, cluster.destinations]).toEqual([
    undefined,
    undefined,
    false,
  ]);
  expect(cluster.phase).toBe('Initialized');
});

test('a Canary deleted mid-run leads to a run from the beginning, and to its end', () => {
  const cluster = at(20);
  cluster.canary = undefined;
  cluster.runToEnd();
  expect([cluster.phase, cluster.weight]).toEqual(['Succeeded', undefined]);
});

test.each([
  ['aborted', (cluster: SimulatedCluster) => (cluster.command = 'abort')],
  [
    'scaled to zero, its Canary deleted before',
    (cluster: SimulatedCluster) => {
      cluster.canary = undefined;
      cluster.deployment.spec.replicas = 0;
    },
  ],
])('without routes too, no weight is left on a Deployment whose run was %s', (_, ends) => {
  const cluster = new SimulatedCluster();
  cluster.routed = false;
  cluster.runToEnd({ seconds: 3 });
  cluster.hold('v2');
  cluster.runToEnd({ until: () => cluster.deployment.metadata.annotations?.[WEIGHT_MARK] === '20' });
  ends(cluster);
  cluster.runToEnd();
  expect(cluster.canaryDeployment).toBeUndefined();
  expect(cluster.deployment.metadata.annotations?.[WEIGHT_MARK]).toBe('0');
});

test('a hold without a mark of the primary is not taken for a revert when no pod runs', () => {
  const cluster = held();
  const { [PRIMARY_MARK]: _, [RUN_MARK]: __, ...others } = cluster.deployment.metadata.annotations ?? {};
  cluster.deployment.metadata.annotations = { ...others, [HELD_BY_MARK]: 'failsafe' };
  cluster.deployment.spec.replicas = 0;
  cluster.replicaSets = cluster.replicaSets.map((set) => ({ ...set, spec: { ...set.spec, replicas: 0 } }));
  expect(kinds(cluster)).not.toContain('release');
});

test('a revert is not released before the held template has all that its ReplicaSet has', () => {
  const cluster = held();
  cluster.hold('v1');
  cluster.deployment.spec.template = {
    ...cluster.deployment.spec.template,
    metadata: { labels: { app: 'web' } },
  };
  expect(kinds(cluster)).not.toContain('release');
  expect(kinds(cluster)).toContain('adopt');
});

test("scaled to zero while held, only the primary's ReplicaSet is left to be scaled up again", () => {
  const cluster = at(20);
  const [primary] = cluster.replicaSets;
  if (primary === undefined) throw new Error('no primary');
  const older: ReplicaSet = {
    ...primary,
    metadata: { ...primary.metadata, uid: 'old', name: 'old' },
    spec: {
      ...primary.spec,
      replicas: 0,
      template: { spec: { containers: [{ name: 'web', image: 'web:v0' }] } },
    },
  };
  cluster.replicaSets = [{ ...primary, spec: { ...primary.spec, replicas: 0 } }, older];
  cluster.deployment.spec.replicas = 0;
  cluster.runToEnd({ seconds: 60 });
  expect(cluster.replicaSets.map(({ metadata }) => metadata.uid)).toEqual([primary.metadata.uid]);
  expect(cluster.canary?.status).toMatchObject({ reason: 'ScaledToZero' });
  expect(cluster.canary?.status?.message).toContain('scaled up again');
  const { writes } = cluster;
  cluster.runToEnd({ seconds: 10 });
  expect(cluster.writes).toBe(writes);
});

test('a failed template that was released is not called taken back', () => {
  const cluster = failed();
  cluster.perform({ kind: 'release', revision: 'x', template: cluster.deployment.spec.template });
  cluster.runToEnd({ seconds: 5 });
  expect(cluster.canary?.status).toMatchObject({ phase: 'Initialized', reason: 'Released' });
});

const idle = (): SimulatedCluster => {
  const cluster = new SimulatedCluster();
  cluster.runToEnd({ seconds: 3 });
  return cluster;
};

test.each([
  ['abort', failed],
  ['restart', failed],
  ['promote', idle],
] as const)('the command %s where it means nothing is answered', (command, cluster) => {
  const decided = plan({ ...cluster().snapshot(), command }, new Date(0));
  expect(decided.effects).toMatchObject([
    { kind: 'consumeCommand' },
    { kind: 'event', type: 'Warning', message: expect.stringContaining(`kanari.dev/command=${command}`) },
  ]);
});

test('the command retry that began a run is not answered a second time', () => {
  const cluster = failed();
  cluster.canary = {
    apiVersion: 'kanari.dev/v1alpha1',
    kind: 'Canary',
    metadata: { name: 'web' },
    status: plan({ ...cluster.snapshot(), command: 'retry' }, cluster.now).status ?? expect.fail(),
  };
  expect(plan({ ...cluster.snapshot(), command: 'retry' }, cluster.now).effects[0]).toEqual({
    kind: 'consumeCommand',
  });
  expect(kinds(cluster, { command: 'retry' })).not.toContain('event');
});

test('waits, and says so, for a Service that does not exist', () => {
  const cluster = held();
  cluster.settings = { ...cluster.settings, services: ['wbe'] };
  cluster.runToEnd({ seconds: 30 });
  expect(cluster.canary?.status).toMatchObject({ reason: 'ServiceNotFound', step: -1 });
  expect(cluster.canaryDeployment).toBeUndefined();
});

test.each([
  ['another version', 'v3', { outcome: 'Skipped', reason: 'Released' }],
  ['the version that is promoted', 'v2', { outcome: 'Promoted', reason: 'StepsCompleted' }],
])('%s let out during a promotion ends the run as what it is', (_, tag, entry) => {
  const cluster = held();
  cluster.runToEnd({ until: () => cluster.phase === 'Promoting' && cluster.deployment.spec.paused !== true });
  cluster.letThrough(tag);
  cluster.runToEnd();
  const told = cluster.events.some((message) => message.startsWith('Promotion completed!'));
  expect([cluster.canary?.status?.history[0], told]).toMatchObject([entry, tag === 'v2']);
  expect([cluster.weight, cluster.destinations, cluster.canaryDeployment]).toEqual([
    undefined,
    false,
    undefined,
  ]);
});

test('a hold that another ReplicaSet broke stops the run', () => {
  const cluster = held();
  const [primary] = cluster.replicaSets;
  if (primary === undefined) throw new Error('no primary');
  const other = { ...primary, metadata: { ...primary.metadata, uid: 'other', name: 'other' } };
  const template = { ...primary.spec.template, spec: { containers: [{ name: 'web', image: 'web:v0' }] } };
  cluster.replicaSets = [
    { ...primary, spec: { ...primary.spec, replicas: 0 } },
    { ...other, spec: { ...primary.spec, template } },
  ];
  cluster.runToEnd({ seconds: 30 });
  expect(cluster.canary?.status).toMatchObject({ reason: 'HoldBroken' });
});
