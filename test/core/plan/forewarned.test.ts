import { describe, expect, test } from 'vitest';
import type { DisruptionBudget } from '../../../src/core/objects.ts';
import { ScaledCluster } from './scaled-cluster.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

const budget = (spec: NonNullable<DisruptionBudget['spec']>): DisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'keep', namespace: 'shop' },
  spec,
});

/** What was told of a run, up to its first weight, beside its story. */
const toldOf = (prepare: (cluster: SimulatedCluster) => void): string[] => {
  const cluster = new SimulatedCluster();
  prepare(cluster);
  cluster.runToEnd({ seconds: 3 });
  cluster.hold('v2');
  cluster.runToEnd({ seconds: 60, until: () => cluster.canary?.status?.run?.stepSince !== undefined });
  const story = /^(New revision detected|Starting canary analysis|Advance) ?/;
  return cluster.events.filter((message) => !story.test(message));
};

const app = { matchLabels: { app: 'web' } };
const TOLD = (rule: string) => [
  `the PodDisruptionBudget keep (${rule}) counts the canary's pods as the primary's own; a percentage would grow with them`,
];

describe('a PodDisruptionBudget', () => {
  test.each<[string, NonNullable<DisruptionBudget['spec']>, string[]]>([
    ['that keeps a number', { selector: app, minAvailable: 3 }, TOLD('minAvailable: 3')],
    ['that allows a number', { selector: app, maxUnavailable: 0 }, TOLD('maxUnavailable: 0')],
    ['about all pods', { selector: {}, minAvailable: 1 }, TOLD('minAvailable: 1')],
    ['that keeps a percentage', { selector: app, minAvailable: '50%' }, []],
    ['of others', { selector: { matchLabels: { app: 'db' } }, minAvailable: 3 }, []],
    ['without a selector', { minAvailable: 3 }, []],
  ])('%s is told of as it counts the canary, and once', (_, spec, told) => {
    expect(
      toldOf((cluster) => {
        cluster.disruptionBudgets = [budget(spec)];
      }),
    ).toEqual(told);
  });
});

const off = (cluster: SimulatedCluster): void => {
  cluster.settings = { ...cluster.settings, successRate: 'off', latency: 'off' };
};

describe('evidence that may never come', () => {
  const unsplit = (cluster: SimulatedCluster): void => {
    cluster.routed = false;
  };
  const worker = (cluster: SimulatedCluster): void => {
    unsplit(cluster);
    cluster.services = [];
  };
  const unmeasured = (cluster: SimulatedCluster): void => {
    unsplit(cluster);
    cluster.metrics = 'unconfigured';
  };

  test.each<[string, (cluster: SimulatedCluster) => void, RegExp | undefined]>([
    ['where routes are split', () => undefined, undefined],
    ['where the number of pods splits', unsplit, /^no route splits the requests of web: .*"off"/],
    ['of workers', worker, /^web has no traffic to judge: readiness and restarts/],
    ['where no metrics server is configured', unmeasured, undefined],
    ['that nobody asks for', (cluster) => [unsplit, off].forEach((each) => each(cluster)), undefined],
  ])('%s', (_, prepare, told) => {
    expect(toldOf(prepare)).toEqual(told === undefined ? [] : [expect.stringMatching(told)]);
  });

  test('is no pass: the weight is held, with advice, and the run rolled back by the deadline', () => {
    const cluster = new SimulatedCluster();
    unsplit(cluster);
    cluster.metrics = 'empty';
    cluster.runToEnd({ seconds: 3 });
    cluster.hold('v2');
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.canary?.status).toMatchObject({ canaryWeight: 20, reason: 'NoSamples' });
    expect(cluster.canary?.status?.message).toMatch(/^no samples; kanari\.dev\/success-rate: "off" with/);
    cluster.runToEnd({ seconds: 700 });
    expect(cluster.phase).toBe('Failed');
  });
});

describe('a worker', () => {
  const held = (): ScaledCluster => {
    const cluster = new ScaledCluster();
    cluster.routed = false;
    cluster.services = [];
    cluster.metrics = 'empty';
    cluster.runToEnd({ seconds: 3 });
    cluster.hold('v2');
    return cluster;
  };

  test('without a Service is judged by the signals of its pods, step by step, and promoted', () => {
    const cluster = held();
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
    expect(cluster.canary?.status?.checks).toMatchObject([{ metric: 'readiness', verdict: 'pass' }]);
    expect(cluster.events).toContain('Advance web canary weight 50 (4 of 8 pods: 50 %)');
  });

  test('whose pods are not ready passes no step', () => {
    const cluster = held();
    cluster.unready = 1;
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.canary?.status).toMatchObject({ step: 0, canaryWeight: 0, reason: 'CanaryNotReady' });
  });
});
