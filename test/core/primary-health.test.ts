import { describe, expect, it } from 'vitest';
import type { Facts } from '../../src/core/facts.ts';
import type { Deployment, Pod } from '../../src/core/objects.ts';
import { maxUnavailableOf, primaryHealth } from '../../src/core/primary-health.ts';
import { deployment, orphan } from './deployment-fixtures.ts';

const NOW = new Date('2026-11-21T02:38:00Z');
const STARTED = '2026-11-21T02:37:00Z';

const replicaSet = { ...orphan('web:v1'), metadata: { name: 'web-1', uid: 'r1' } };

const unready = (lastTransitionTime = STARTED) => ({
  startTime: STARTED,
  conditions: [{ type: 'Ready', status: 'False' as const, lastTransitionTime }],
});

interface PodParts {
  status?: Pod['status'];
  metadata?: Partial<Pod['metadata']>;
  owner?: string;
}

const pod = ({ status = unready(), metadata, owner = 'r1' }: PodParts): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-1-a',
    creationTimestamp: STARTED,
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: owner }],
    ...metadata,
  },
  status,
});

const healthOf = (parts: PodParts, of: Deployment = deployment()) => {
  const { ready, ailing } = primaryHealth(
    { deployment: of, primaryReplicaSet: replicaSet } as unknown as Facts,
    [pod(parts)],
    NOW,
  );
  return { ready, ailing };
};

const waiting = (reason: string) => [{ name: 'web', state: { waiting: { reason } } }];
/** As of a pod that ails, if it counts. */
const restarted = { ...unready(), containerStatuses: [{ name: 'web', restartCount: 1 }] };
const STARTING = { ready: 0, ailing: 0 };
const AILING = { ready: 0, ailing: 1 };
const NOT_COUNTED = { ready: 0, ailing: 0 };

describe('a pod of the primary', () => {
  it.each<[string, PodParts, object]>([
    [
      'is ready',
      { status: { ...unready(), conditions: [{ type: 'Ready', status: 'True' }] } },
      { ready: 1, ailing: 0 },
    ],
    ['starts while nobody has seen it yet', { status: {} }, STARTING],
    ['starts while it has never been ready', {}, STARTING],
    ['starts while its node reports late', { status: unready('2026-11-21T02:37:04Z') }, STARTING],
    [
      'starts while its image is pulled',
      { status: { ...unready(), containerStatuses: waiting('ContainerCreating') } },
      STARTING,
    ],
    ['ails when it has been ready before', { status: unready('2026-11-21T02:37:30Z') }, AILING],
    ['ails when a container was restarted', { status: restarted }, AILING],
    [
      'ails when an init container was',
      { status: { ...unready(), initContainerStatuses: [{ name: 'init', restartCount: 2 }] } },
      AILING,
    ],
    [
      'ails when its image can not be pulled',
      { status: { ...unready(), containerStatuses: waiting('ImagePullBackOff') } },
      AILING,
    ],
    [
      'ails when it has been starting for longer than its deadline',
      { metadata: { creationTimestamp: '2026-11-21T02:27:59Z' } },
      AILING,
    ],
    [
      'does not count while it is deleted',
      { status: restarted, metadata: { deletionTimestamp: STARTED } },
      NOT_COUNTED,
    ],
    ['does not count once it was evicted', { status: { ...restarted, phase: 'Failed' } }, NOT_COUNTED],
    [
      'does not count once its node was shut down',
      { status: { ...restarted, phase: 'Succeeded' } },
      NOT_COUNTED,
    ],
    ['does not count when it is of another version', { status: restarted, owner: 'r2' }, NOT_COUNTED],
  ])('%s', (_what, parts, expected) => {
    expect(healthOf(parts)).toEqual(expected);
  });

  it("goes by the Deployment's own deadline", () => {
    expect(healthOf({}, deployment({ spec: { progressDeadlineSeconds: 30 } }))).toEqual(AILING);
  });
});

describe('what may be missing', () => {
  const withStrategy = (replicas: number, rollingUpdate?: object): Deployment =>
    deployment({
      spec: { replicas, strategy: { type: 'RollingUpdate', ...(rollingUpdate && { rollingUpdate }) } },
    });

  it.each<[string, Deployment, number]>([
    ['a quarter, rounded down', withStrategy(7), 1],
    ['none of one', withStrategy(1), 0],
    ['a number', withStrategy(4, { maxUnavailable: 2 }), 2],
    ['a percentage', withStrategy(10, { maxUnavailable: '39%' }), 3],
    ['none', withStrategy(4, { maxUnavailable: 0 }), 0],
    ['one, where nothing else could move', withStrategy(4, { maxUnavailable: 0, maxSurge: 0 }), 1],
  ])('is %s', (_what, of, expected) => {
    expect(maxUnavailableOf(of)).toBe(expected);
  });
});
