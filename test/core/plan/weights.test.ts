import { expect, test } from 'vitest';
import { plan } from '../../../src/core/plan/plan.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

// No request reaches a canary that nobody judges, or that is not there.

const at = (weight: number): SimulatedCluster => {
  const cluster = new SimulatedCluster();
  cluster.runToEnd({ seconds: 3 });
  cluster.hold('v2');
  cluster.runToEnd({ until: () => cluster.weight === weight });
  return cluster;
};

const NO_SHARE = { kind: 'setShare', share: { weight: 0 } };

test('routes that disagree, after a kill between two of them, are set to 0 before the canary is deleted', () => {
  const cluster = at(20);
  cluster.errorRate['v2'] = 1;
  cluster.runToEnd({ until: () => cluster.weight === 0 });
  const snapshot = cluster.snapshot();
  const disagreeing = { ...snapshot.traffic, split: false, share: undefined };
  expect(plan({ ...snapshot, traffic: disagreeing }, cluster.now).effects).toContainEqual(NO_SHARE);
});

test('a canary that lost its endpoints loses its share although the scheduler died before it wrote that', () => {
  const cluster = at(20);
  cluster.neverReady.add('v2');
  cluster.look(1);
  expect([cluster.canary?.status?.canaryWeight, cluster.weight]).toEqual([0, 20]);
  cluster.look();
  expect([cluster.canary?.status?.failedChecks, cluster.weight]).toEqual([1, 0]);
});

test('proxies have the time to learn the endpoints of a canary before its first share', () => {
  const cluster = at(20);
  const [known, begun] = [cluster.canary?.status?.run?.milestones.canaryKnown, cluster.now];
  expect(begun.getTime() - Date.parse(known ?? '')).toBeGreaterThanOrEqual(2_000);
});

test('endpoints that were lost are learnt anew before the share comes back', () => {
  const cluster = at(20);
  cluster.neverReady.add('v2');
  cluster.runToEnd({ until: () => cluster.weight === 0 });
  cluster.runToEnd({ seconds: 5 });
  cluster.neverReady.clear();
  const { now } = cluster;
  cluster.runToEnd({ until: () => cluster.weight === 20 });
  expect(cluster.now.getTime() - now.getTime()).toBeGreaterThanOrEqual(2_000);
});

test('the share of a superseded canary is taken back at once, not after the destinations stand anew', () => {
  const cluster = at(50);
  cluster.hold('v3');
  cluster.look();
  expect(cluster.weight).toBe(0);
});

const frozen = (): SimulatedCluster => {
  const cluster = at(20);
  cluster.settings = { ...cluster.settings, onFailure: 'freeze' };
  cluster.errorRate['v2'] = 0.03;
  cluster.runToEnd({ until: () => cluster.phase === 'Paused' });
  return cluster;
};

test('a frozen run keeps its weight, says how to end it, and does not go on by itself', () => {
  const cluster = frozen();
  cluster.errorRate = {};
  const { writes, weight } = cluster;
  expect(weight).toBeGreaterThan(0);
  cluster.runToEnd({ seconds: 60 });
  expect({ phase: cluster.phase, weight: cluster.weight, writes: cluster.writes }).toEqual({
    phase: 'Paused',
    weight,
    writes,
  });
  expect(cluster.canary?.status?.message).toContain('kanari.dev/command=abort');
  expect(cluster.events.at(-1)).toMatch(/^Halt web advancement failed checks threshold reached 2/);
});

test('a frozen run without endpoints keeps no weight', () => {
  const cluster = frozen();
  cluster.neverReady.add('v2');
  cluster.look();
  expect(cluster.weight).toBe(0);
});

test.each(['Progressing', 'Promoting'])('a Service made while a run is %s takes no weight', (phase) => {
  const cluster = at(50);
  cluster.runToEnd({ until: () => cluster.phase === phase });
  const snapshot = cluster.snapshot();
  const planned = (unlisted: object) =>
    plan({ ...snapshot, endpoints: { ...snapshot.endpoints, canary: 0, ...unlisted } }, cluster.now);
  const shares = (unlisted: object) => planned(unlisted).effects.filter(({ kind }) => kind === 'setShare');
  expect(shares({ unlisted: true })).toEqual([]);
  expect(planned({ unlisted: true }).status).toMatchObject({ failedChecks: 0, canaryWeight: cluster.weight });
  // Listed, and without a ready endpoint of the canary's, it is as lost as ever.
  expect(shares({})).toEqual([NO_SHARE]);
});
