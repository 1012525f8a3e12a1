import type { Facts } from './facts.ts';
import type { Deployment, Pod } from './objects.ts';

// How the serving version is. Counts alone lie: short of ready pods are a healthy scale-up and a replaced pod, too.

export interface PrimaryHealth {
  ready: number;
  /** Pods that are not ready and that waiting alone does not explain. */
  ailing: number;
  /** So many may be missing during an update, as its user has decided. */
  tolerated: number;
  /** There is none, and nothing of it to wait for. */
  absent: boolean;
}

// Both are written by the same report of the kubelet, in whole seconds, and a slow node reports late.
const FIRST_REPORT_MS = 5_000;
const DEFAULT_DEADLINE_S = 600;

/** The kubelet's words for what does not pass by waiting. */
export const CONTAINER_TROUBLE = /BackOff|Err|Invalid|Crash/;

const readyCondition = ({ status }: Pod) => status?.conditions?.find(({ type }) => type === 'Ready');

const isReady = (pod: Pod): boolean => readyCondition(pod)?.status === 'True';

/** A Ready condition that turned later than the kubelet's first report has been true before. */
const wasReady = (pod: Pod): boolean => {
  const turned = Date.parse(readyCondition(pod)?.lastTransitionTime ?? '');
  const started = Date.parse(pod.status?.startTime ?? '');
  return turned - started > FIRST_REPORT_MS;
};

const isStarting = (pod: Pod, deadlineMs: number, now: Date): boolean => {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const troubled = [...initContainerStatuses, ...containerStatuses].some(
    ({ restartCount = 0, state }) => restartCount > 0 || CONTAINER_TROUBLE.test(state?.waiting?.reason ?? ''),
  );
  const age = now.getTime() - Date.parse(pod.metadata.creationTimestamp ?? now.toISOString());
  return !troubled && !wasReady(pod) && age < deadlineMs;
};

const countOf = (amount: number | string, replicas: number, round: (count: number) => number): number =>
  typeof amount === 'number' ? amount : round((Number.parseInt(amount, 10) * replicas) / 100);

/** As the Deployment controller works it out: rounded down, and 1 where neither surge nor shortage is allowed. */
export const maxUnavailableOf = ({ spec }: Deployment): number => {
  const { maxUnavailable = '25%', maxSurge = '25%' } = spec.strategy?.rollingUpdate ?? {};
  const replicas = spec.replicas ?? 1;
  const unavailable = countOf(maxUnavailable, replicas, Math.floor);
  return unavailable === 0 && countOf(maxSurge, replicas, Math.ceil) === 0 ? 1 : unavailable;
};

/**
 * Held without ever having run: a manifest of a held Deployment, restored where no admission took the pause off it. Caches
 * alone do not tell: the Deployment controller, which may have orphans to adopt, has looked and counts no pod.
 */
const isAbsent = ({ deployment, primaryReplicaSet, primaryLost, replicas }: Facts): boolean => {
  const { observedGeneration = 0, replicas: counted = 0 } = deployment.status ?? {};
  const seen = observedGeneration >= (deployment.metadata.generation ?? 0);
  return primaryReplicaSet === undefined && !primaryLost && replicas > 0 && seen && counted === 0;
};

/** @param pods of every ReplicaSet of the Deployment */
export const primaryHealth = (facts: Facts, pods: readonly Pod[], now: Date): PrimaryHealth => {
  const { deployment, primaryReplicaSet } = facts;
  const uid = primaryReplicaSet?.metadata.uid;
  const deadlineMs = (deployment.spec.progressDeadlineSeconds ?? DEFAULT_DEADLINE_S) * 1_000;
  const living = pods.filter(
    ({ metadata, status }) =>
      metadata.ownerReferences?.some((owner) => owner.uid === uid) === true &&
      metadata.deletionTimestamp === undefined &&
      status?.phase !== 'Failed' &&
      status?.phase !== 'Succeeded',
  );
  const unready = living.filter((pod) => !isReady(pod));
  return {
    ready: living.length - unready.length,
    ailing: unready.filter((pod) => !isStarting(pod, deadlineMs, now)).length,
    tolerated: maxUnavailableOf(deployment),
    absent: isAbsent(facts),
  };
};

/** Short of what its user wants at the least, for reasons that do not pass by waiting. */
export const isAiling = ({ ailing, tolerated, absent }: PrimaryHealth): boolean =>
  absent || ailing > tolerated;
