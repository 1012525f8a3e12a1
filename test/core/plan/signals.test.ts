import { beforeEach, describe, expect, it } from 'vitest';
import { REVISION_ANNOTATION } from '../../../src/core/marks.ts';
import type { ContainerStatus, Pod } from '../../../src/core/objects.ts';
import { parseSettings } from '../../../src/core/settings.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

let cluster: SimulatedCluster;
const settle = (annotations: Record<string, string>): void => {
  const deployment = { 'kanari.dev/steps': '20,50', 'kanari.dev/interval': '5s', ...annotations };
  cluster.settings = parseSettings({ deployment, namespace: {} }).settings;
};

beforeEach(() => {
  cluster = new SimulatedCluster();
  settle({});
  cluster.runToEnd({ seconds: 3 });
  cluster.hold('v2');
});

const status = () => cluster.canary?.status;

/** A pod of the canary's revision, or of another. */
const pod = (container: Partial<ContainerStatus>, name = 'web-canary-a', revision?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'shop',
    annotations: { [REVISION_ANNOTATION]: revision ?? status()?.run?.revision ?? '' },
  },
  status: { phase: 'Running', containerStatuses: [{ name: 'web', image: 'web:v2', ...container }] },
});

const KILLED = { exitCode: 137, reason: 'OOMKilled' };
const restarted = (restartCount: number, terminated: object = { exitCode: 1 }): Partial<ContainerStatus> => ({
  restartCount,
  state: { running: {} },
  lastState: { terminated },
});
const looping = (restartCount: number, terminated: object): Partial<ContainerStatus> => ({
  ...restarted(restartCount, terminated),
  state: { waiting: { reason: 'CrashLoopBackOff' } },
});
const waiting = (reason: string, message: string): Partial<ContainerStatus> => ({
  state: { waiting: { reason, message } },
});

const atWeight = (weight: number): void => {
  cluster.runToEnd({
    seconds: 60,
    until: () => status()?.canaryWeight === weight && status()?.run?.stepSince !== undefined,
  });
  expect(status()).toMatchObject({ phase: 'Progressing', canaryWeight: weight });
};

const untilFailedChecks = (count: number): void =>
  cluster.runToEnd({ seconds: 60, until: () => status()?.failedChecks === count });

const history = () => status()?.history.map(({ outcome, reason }) => [outcome, reason]);

describe.each(['up', 'unconfigured'] as const)(
  'with the metrics server %s, a restart of the canary',
  (metrics) => {
    beforeEach(() => {
      cluster.metrics = metrics;
    });

    it('fails the check, once, and the run goes on', () => {
      atWeight(20);
      cluster.reportedPods = [pod(restarted(1))];
      untilFailedChecks(1);
      expect(status()).toMatchObject({ reason: 'CanaryRestarted', phase: 'Progressing' });
      expect(status()?.message).toContain('1 restart (container web of web-canary-a: exit code 1)');
      cluster.runToEnd();
      expect(history()).toEqual([['Promoted', 'StepsCompleted']]);
      expect(status()?.failedChecks).toBe(1);
    });

    it('counts when its pod is replaced before the check', () => {
      atWeight(20);
      cluster.reportedPods = [pod(restarted(2, KILLED))];
      cluster.look();
      cluster.reportedPods = [pod({ restartCount: 0 }, 'web-canary-b')];
      untilFailedChecks(1);
      expect(status()).toMatchObject({ reason: 'CanaryOutOfMemory' });
      expect(status()?.message).toContain(
        '2 restarts (container web of web-canary-a: exit code 137, out of memory)',
      );
    });

    it('at its start, before it served anybody, fails no check', () => {
      cluster.runToEnd({ seconds: 30, until: () => status()?.run?.milestones.canaryKnown !== undefined });
      cluster.reportedPods = [pod(restarted(1))];
      cluster.runToEnd();
      expect(history()).toEqual([['Promoted', 'StepsCompleted']]);
      expect(status()?.failedChecks).toBe(0);
    });

    it('again and again reaches the threshold', () => {
      settle({ 'kanari.dev/threshold': '3' });
      atWeight(20);
      let restarts = 0;
      cluster.runToEnd({
        until: () => {
          cluster.reportedPods = [pod(restarted(++restarts))];
          return status()?.phase === 'Failed';
        },
      });
      expect(history()).toEqual([['RolledBack', 'ThresholdReached']]);
      expect(status()?.message).toMatch(/^failed checks threshold reached 3: .* restarts \(container web of/);
    });

    it('of a superseded revision counts for nobody', () => {
      atWeight(20);
      cluster.reportedPods = [pod(restarted(4), 'web-canary-a', '1-0123456789')];
      cluster.runToEnd();
      expect(status()?.failedChecks).toBe(0);
    });
  },
);

it('names a want of memory even where another end came after it', () => {
  atWeight(20);
  cluster.reportedPods = [pod(restarted(1, KILLED))];
  cluster.look();
  cluster.reportedPods = [pod(restarted(2, { exitCode: 1 }))];
  untilFailedChecks(1);
  expect(status()).toMatchObject({ reason: 'CanaryOutOfMemory' });
  expect(status()?.message).toContain(
    '2 restarts (container web of web-canary-a: exit code 137, out of memory)',
  );
});

describe('a canary that lost its last endpoint by a restart', () => {
  it('has one failed check for it, not two', () => {
    atWeight(20);
    cluster.neverReady.add('v2');
    cluster.reportedPods = [pod({ state: { terminated: KILLED } })];
    cluster.look();
    expect(status()).toMatchObject({ reason: 'CanaryLost', failedChecks: 1 });
    cluster.neverReady.delete('v2');
    cluster.reportedPods = [pod(restarted(1, KILLED))];
    cluster.runToEnd();
    expect(status()?.failedChecks).toBe(1);
    expect(history()).toEqual([['Promoted', 'StepsCompleted']]);
  });
});

describe('a canary that can not run', () => {
  const untilTheEnd = (): number => {
    const began = cluster.now.getTime();
    cluster.runToEnd({ until: () => status()?.run?.ending !== undefined });
    const seconds = (cluster.now.getTime() - began) / 1_000;
    cluster.runToEnd();
    return seconds;
  };

  beforeEach(() => {
    cluster.neverReady.add('v2');
    cluster.runToEnd({ seconds: 30, until: () => status()?.reason === 'CanaryNotReady' });
  });

  it.each([
    ['InvalidImageName', 0, 'ImagePullFailed'],
    ['ImagePullBackOff', 30, 'ImagePullFailed'],
    ['CreateContainerConfigError', 120, 'CanaryUnstartable'],
  ])('for %s is withdrawn after %i s, in the words of the kubelet', (reason, seconds, expected) => {
    cluster.reportedPods = [pod(waiting(reason, 'web:v2 is not there'))];
    expect(untilTheEnd()).toBe(seconds);
    expect(history()).toEqual([['RolledBack', expected]]);
    expect(status()?.message).toContain('container web of web-canary-a');
    expect(status()?.message).toContain(`${reason}, web:v2 is not there`);
  });

  it('has its time anew when the registry answers in between', () => {
    const failing = [pod(waiting('ErrImagePull', 'timeout'))];
    cluster.reportedPods = failing;
    cluster.runToEnd({ seconds: 20 });
    cluster.reportedPods = [pod(waiting('ContainerCreating', ''))];
    cluster.runToEnd({ seconds: 2 });
    cluster.reportedPods = failing;
    expect(untilTheEnd()).toBe(30);
  });

  it.each([
    [{ exitCode: 3, reason: 'Error' }, 'CanaryCrashes', 'keeps crashing: 3 times, last with exit code 3'],
    [KILLED, 'CanaryOutOfMemory', 'keeps crashing: 3 times, last with exit code 137, out of memory'],
  ])('because it ends each time (%j) is withdrawn at once', (last, reason, words) => {
    cluster.reportedPods = [pod(looping(1, last))];
    cluster.look();
    expect(status()?.run?.ending).toBeUndefined();
    cluster.reportedPods = [pod(looping(2, last))];
    expect(untilTheEnd()).toBe(0);
    expect(history()).toEqual([['RolledBack', reason]]);
    expect(status()?.message).toContain(words);
  });
});

it('leaves a frozen canary that crashes to the people who look at it', () => {
  settle({ 'kanari.dev/on-failure': 'freeze', 'kanari.dev/threshold': '1' });
  atWeight(20);
  cluster.reportedPods = [pod(restarted(1))];
  untilFailedChecks(1);
  cluster.reportedPods = [pod(looping(5, { exitCode: 1 }))];
  cluster.runToEnd({ seconds: 60 });
  expect(status()).toMatchObject({ phase: 'Paused', reason: 'Frozen', canaryWeight: 20 });
});
