import { beforeEach, describe, expect, it } from 'vitest';
import { parseSettings } from '../../../src/core/settings.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

let cluster: SimulatedCluster;
const settle = (annotations: Record<string, string> = {}): void => {
  const deployment = {
    'kanari.dev/steps': '20,50',
    'kanari.dev/interval': '5s',
    'kanari.dev/progress-deadline': '60s',
    ...annotations,
  };
  cluster.settings = parseSettings({ deployment, namespace: {} }).settings;
};

const status = () => cluster.canary?.status;
const outcomes = () => status()?.history.map(({ outcome, reason }) => [outcome, reason]);

beforeEach(() => {
  cluster = new SimulatedCluster();
  settle();
  cluster.runToEnd({ seconds: 3 });
  cluster.hold('v2');
  cluster.runToEnd({
    seconds: 60,
    until: () => status()?.canaryWeight === 20 && status()?.run?.stepSince !== undefined,
  });
});

const pass = (seconds: number): void => cluster.runToEnd({ seconds });
/** Seconds until the run has an ending, no more than five minutes. */
const secondsToDecision = (): number => {
  const began = cluster.now.getTime();
  cluster.runToEnd({ until: () => status()?.run?.ending !== undefined });
  return (cluster.now.getTime() - began) / 1_000;
};

describe.each(['rollback', 'pause', 'promote'] as const)(
  'a metrics server that is away, with on-no-data: %s,',
  (onNoData) => {
    it('holds the run for as long as it lasts, and the run goes on by itself', () => {
      settle({ 'kanari.dev/on-no-data': onNoData });
      cluster.metrics = 'down';
      pass(50);
      expect(status()).toMatchObject({
        phase: 'Progressing',
        canaryWeight: 20,
        reason: 'MetricsServerUnreachable',
      });
      pass(200);
      expect(status()).toMatchObject({
        phase: 'Paused',
        canaryWeight: 20,
        reason: 'MetricsServerUnreachable',
      });
      cluster.metrics = 'up';
      cluster.runToEnd();
      expect(outcomes()).toEqual([['Promoted', 'StepsCompleted']]);
    });
  },
);

describe('a metrics server that comes back', () => {
  it('has the rest of the deadline to show evidence', () => {
    cluster.metrics = 'empty';
    pass(20);
    cluster.metrics = 'down';
    pass(300);
    cluster.metrics = 'empty';
    const seconds = secondsToDecision();
    expect(seconds).toBeGreaterThanOrEqual(39);
    expect(seconds).toBeLessThanOrEqual(41);
    expect(status()?.run?.ending).toMatchObject({ outcome: 'RolledBack', reason: 'NoSamples' });
  });

  it('has an interval at the least, even when it went a moment before the deadline', () => {
    cluster.metrics = 'empty';
    pass(58);
    cluster.metrics = 'down';
    pass(300);
    cluster.metrics = 'empty';
    const seconds = secondsToDecision();
    expect(seconds).toBeGreaterThanOrEqual(5);
    expect(seconds).toBeLessThanOrEqual(7);
  });

  it.each([
    [10, 60, 'the deadline'],
    [2, 120, 'twice the deadline'],
  ])('for %i s, and goes again, has %i s in sum, %s', (seconds, expected) => {
    let asked = 0;
    for (; status()?.run?.ending === undefined && asked < 300; asked += seconds) {
      cluster.metrics = 'down';
      pass(seconds);
      cluster.metrics = 'empty';
      pass(seconds);
    }
    expect(asked).toBeGreaterThanOrEqual(expected);
    expect(asked).toBeLessThanOrEqual(expected + 10);
    expect(status()?.run?.ending).toMatchObject({ outcome: 'RolledBack', reason: 'NoSamples' });
  });
});

it('an outage that is over does not count for the next step', () => {
  cluster.metrics = 'down';
  pass(100);
  cluster.metrics = 'up';
  cluster.runToEnd({
    seconds: 60,
    until: () => status()?.canaryWeight === 50 && status()?.run?.stepSince !== undefined,
  });
  cluster.metrics = 'empty';
  const seconds = secondsToDecision();
  expect(seconds).toBeGreaterThanOrEqual(59);
  expect(seconds).toBeLessThanOrEqual(61);
});

describe('requests too few for a verdict by the deadline', () => {
  beforeEach(() => {
    settle({ 'kanari.dev/min-requests': '100000' });
  });

  it('are no evidence', () => {
    const seconds = secondsToDecision();
    expect(seconds).toBeGreaterThanOrEqual(59);
    expect(seconds).toBeLessThanOrEqual(61);
    expect(status()?.run?.ending).toMatchObject({ outcome: 'RolledBack', reason: 'NotEnoughRequests' });
  });

  it('pause the run where it says so, until they suffice', () => {
    settle({ 'kanari.dev/min-requests': '100000', 'kanari.dev/on-no-data': 'pause' });
    pass(70);
    expect(status()).toMatchObject({ phase: 'Paused', canaryWeight: 20, reason: 'NotEnoughRequests' });
    settle({ 'kanari.dev/on-no-data': 'pause' });
    cluster.runToEnd();
    expect(outcomes()).toEqual([['Promoted', 'StepsCompleted']]);
  });

  it('let the run go on where it says so, a deadline for each step', () => {
    settle({ 'kanari.dev/min-requests': '100000', 'kanari.dev/on-no-data': 'promote' });
    const seconds = secondsToDecision();
    expect(seconds).toBeGreaterThanOrEqual(119);
    expect(status()?.run?.ending).toMatchObject({ outcome: 'Promoted' });
  });
});
