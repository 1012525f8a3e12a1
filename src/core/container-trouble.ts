import type { ContainerStatus, Pod, Termination } from './objects.ts';

// What the kubelet says of containers that end, or that it can not start.

/** A container in whatever pod it is. */
export interface PodContainer {
  pod: string;
  container: ContainerStatus;
}

/** Neither asked to end nor evicted: what becomes of its containers is their own doing. */
const isLiving = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined && status?.phase !== 'Failed' && status?.phase !== 'Succeeded';

/** Those of init containers and of sidecars too. */
export const containersOf = (pods: readonly Pod[]): PodContainer[] =>
  pods.flatMap(({ metadata, status }) =>
    [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].map((container) => ({
      pod: metadata.name,
      container,
    })),
  );

const isCompletedInit = ({ status }: Pod, container: ContainerStatus): boolean =>
  container.state?.terminated?.exitCode === 0 && status?.initContainerStatuses?.includes(container) === true;

/** It has ended, and the kubelet has not started it again yet. */
const waitsForRestart = (pod: Pod, container: ContainerStatus): boolean => {
  if (!isLiving(pod)) return false;
  const { waiting, terminated } = container.state ?? {};
  if (waiting?.reason === 'CrashLoopBackOff') return true;
  return terminated !== undefined && !isCompletedInit(pod, container);
};

/** How a container has ended, and how often since its pod was made. */
export interface ContainerEnds {
  pod: string;
  container: string;
  count: number;
  last: Termination;
}

/** Of those that have ended at least once. Counted at the end, not at the next start, which may be minutes later. */
export const endsOf = (pods: readonly Pod[]): ContainerEnds[] =>
  pods.flatMap((pod) =>
    containersOf([pod]).flatMap(({ container }) => {
      const { name, restartCount = 0, state, lastState } = container;
      const count = restartCount + (waitsForRestart(pod, container) ? 1 : 0);
      const last = state?.terminated ?? lastState?.terminated ?? {};
      return count === 0 ? [] : [{ pod: pod.metadata.name, container: name, count, last }];
    }),
  );

export const isOutOfMemory = ({ reason }: Termination): boolean => reason === 'OOMKilled';

/** `exit code 137, out of memory` */
export const describeEnd = (last: Termination): string => {
  const { exitCode, reason = 'Error' } = last;
  const code = exitCode === undefined ? 'exit code unknown' : `exit code ${exitCode}`;
  if (isOutOfMemory(last)) return `${code}, out of memory`;
  return reason === 'Error' || reason === 'Completed' ? code : `${code}, ${reason}`;
};

// Twice is a start that came before what it needs; the kubelet waits ten seconds before the third.
const CRASHES = 3;

/** A container that ends each time it is started. */
export const crashLoopOf = (pods: readonly Pod[]): ContainerEnds | undefined => {
  const living = pods.filter(isLiving);
  const looping = containersOf(living).filter(
    ({ container }) => container.state?.waiting?.reason === 'CrashLoopBackOff',
  );
  return endsOf(living).find(
    ({ pod, container, count }) =>
      count >= CRASHES && looping.some((one) => one.pod === pod && one.container.name === container),
  );
};

const NEVER_MS = 0;
const HICCUP_MS = 30_000;
/** What a container refers to may be applied a moment after it. */
const APPLIED_LATER_MS = 120_000;

/** Why a container does not start, and milliseconds that it may last: what passes by itself is no fault of the version. */
const UNSTARTED: ReadonlyMap<string, { kind: 'image' | 'config'; patienceMs: number }> = new Map([
  ['InvalidImageName', { kind: 'image', patienceMs: NEVER_MS }],
  ['ErrImageNeverPull', { kind: 'image', patienceMs: NEVER_MS }],
  ['ErrImagePull', { kind: 'image', patienceMs: HICCUP_MS }],
  ['ImagePullBackOff', { kind: 'image', patienceMs: HICCUP_MS }],
  ['CreateContainerConfigError', { kind: 'config', patienceMs: APPLIED_LATER_MS }],
  ['CreateContainerError', { kind: 'config', patienceMs: APPLIED_LATER_MS }],
]);

export interface Unstarted {
  kind: 'image' | 'config';
  pod: string;
  container: string;
  image: string;
  /** The kubelet's word and, where it has more to say, its sentence. */
  words: string;
  patienceMs: number;
}

/**
 * A container that can not be started in any pod. One that has started in another pod is no fault of the version: a
 * node, or the registry, is in trouble.
 */
export const unstartedOf = (pods: readonly Pod[]): Unstarted | undefined => {
  const all = containersOf(pods.filter(isLiving));
  const started = new Set(
    all
      .filter(({ container }) => container.state?.running !== undefined)
      .map(({ container }) => container.name),
  );
  for (const { pod, container } of all) {
    const { reason = '', message } = container.state?.waiting ?? {};
    const known = UNSTARTED.get(reason);
    if (known === undefined || started.has(container.name)) continue;
    const words = message === undefined ? reason : `${reason}, ${message}`;
    return { ...known, pod, container: container.name, image: container.image ?? '', words };
  }
  return undefined;
};
