import { describe, expect, it } from 'vitest';
import { crashLoopOf, describeEnd, endsOf, unstartedOf } from '../../src/core/container-trouble.ts';
import type { ContainerStatus, Pod } from '../../src/core/objects.ts';

const pod = (container: Partial<ContainerStatus>, parts: { name?: string; gone?: boolean } = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: parts.name ?? 'a',
    ...(parts.gone === true ? { deletionTimestamp: '2026-11-21T02:38:00Z' } : {}),
  },
  status: { phase: 'Running', containerStatuses: [{ name: 'web', image: 'web:v2', ...container }] },
});

const asInit = (container: Partial<ContainerStatus>): Pod => ({
  ...pod({}),
  status: { phase: 'Pending', initContainerStatuses: [{ name: 'init', image: 'init:1', ...container }] },
});

const waiting = (reason: string, message?: string): Partial<ContainerStatus> => ({
  state: { waiting: { reason, ...(message === undefined ? {} : { message }) } },
});
const KILLED = { exitCode: 137, reason: 'OOMKilled' };
const FAILED = { exitCode: 1, reason: 'Error' };

describe('how often containers have ended', () => {
  it.each<[string, Pod, [string, number, object][]]>([
    ['not at all while they run', pod({ state: { running: {} }, restartCount: 0 }), []],
    [
      'once when started again',
      pod({ restartCount: 1, lastState: { terminated: KILLED } }),
      [['web', 1, KILLED]],
    ],
    ['at the end, before the next start', pod({ state: { terminated: FAILED } }), [['web', 1, FAILED]]],
    [
      'also those that the kubelet makes wait',
      pod({ ...waiting('CrashLoopBackOff'), restartCount: 2, lastState: { terminated: FAILED } }),
      [['web', 3, FAILED]],
    ],
    [
      'whoever ends well is to be started again, too',
      pod({ state: { terminated: { exitCode: 0 } } }),
      [['web', 1, { exitCode: 0 }]],
    ],
    ['an init container may end well', asInit({ state: { terminated: { exitCode: 0 } } }), []],
    ['an init container may not fail', asInit({ state: { terminated: FAILED } }), [['init', 1, FAILED]]],
    ['a sidecar among them is started again', asInit({ restartCount: 1 }), [['init', 1, {}]]],
    ['not because somebody deletes the pod', pod({ state: { terminated: FAILED } }, { gone: true }), []],
    [
      'not because the pod was evicted',
      { ...pod({}), status: { ...pod({ state: { terminated: KILLED } }).status, phase: 'Failed' } },
      [],
    ],
  ])('%s', (_what, of, expected) => {
    expect(endsOf([of]).map(({ container, count, last }) => [container, count, last])).toEqual(expected);
  });

  it.each([
    [FAILED, 'exit code 1'],
    [KILLED, 'exit code 137, out of memory'],
    [{ exitCode: 128, reason: 'StartError' }, 'exit code 128, StartError'],
    [{ exitCode: 0, reason: 'Completed' }, 'exit code 0'],
    [{}, 'exit code unknown'],
  ])('%j reads %s', (last, words) => {
    expect(describeEnd(last)).toBe(words);
  });
});

describe('a crash loop', () => {
  const looping = (restartCount: number): Partial<ContainerStatus> => ({
    ...waiting('CrashLoopBackOff'),
    restartCount,
  });

  it.each<[string, Pod, boolean]>([
    ['is the third end', pod(looping(2)), true],
    ['is that of an init container', asInit(looping(2)), true],
    ['is not the second: what it needs may have come later', pod(looping(1)), false],
    ['is not while it runs once more', pod({ restartCount: 7, state: { running: {} } }), false],
    ['is not in a pod that goes', pod(looping(7), { gone: true }), false],
  ])('%s', (_what, of, expected) => {
    expect(crashLoopOf([pod({}, { name: 'well' }), of]) !== undefined).toBe(expected);
  });

  it('is not made of the ends in one pod and the wait in another', () => {
    const often = pod({ restartCount: 7, state: { running: {} } }, { name: 'b' });
    expect(crashLoopOf([pod(looping(0)), often])).toBeUndefined();
  });
});

describe('a container that can not be started', () => {
  it.each([
    ['InvalidImageName', 'image', 0],
    ['ErrImageNeverPull', 'image', 0],
    ['ErrImagePull', 'image', 30_000],
    ['ImagePullBackOff', 'image', 30_000],
    ['CreateContainerConfigError', 'config', 120_000],
  ])('for %s is the %s, and has %i ms', (reason, kind, patienceMs) => {
    expect(unstartedOf([pod(waiting(reason, 'not found'))])).toEqual({
      kind,
      patienceMs,
      pod: 'a',
      container: 'web',
      image: 'web:v2',
      words: `${reason}, not found`,
    });
  });

  it.each<[string, Pod[]]>([
    ['is being made', [pod(waiting('ContainerCreating'))]],
    ['waits for another', [pod(waiting('PodInitializing'))]],
    ['crashes', [pod(waiting('CrashLoopBackOff'))]],
    ['goes with its pod', [pod(waiting('ImagePullBackOff'), { gone: true })]],
    [
      'has started in another pod',
      [pod(waiting('ImagePullBackOff')), pod({ state: { running: {} } }, { name: 'b' })],
    ],
    ['bears a name that objects have', [pod(waiting('constructor'))]],
  ])('is none that %s', (_what, pods) => {
    expect(unstartedOf(pods)).toBeUndefined();
  });

  it('is found among init containers', () => {
    expect(unstartedOf([asInit(waiting('ErrImagePull'))])).toMatchObject({
      container: 'init',
      words: 'ErrImagePull',
    });
  });
});
