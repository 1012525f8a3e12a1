import type { KubeObject } from '../src/core/objects.ts';

export interface LabPod extends KubeObject {
  spec: {
    nodeName?: string;
    containers: {
      name: string;
      image: string;
      ports?: { name?: string; containerPort: number; protocol?: string }[];
      lifecycle?: { preStop?: { sleep?: { seconds: number } } };
    }[];
  };
  status?: { phase?: string };
}

/** What the kubelet reports of a pod's containers; all of them share one state. */
export interface ContainerReport {
  state: 'running' | 'ended' | 'CrashLoopBackOff' | 'ImagePullBackOff' | 'ErrImagePull';
  ready: boolean;
  restarts: number;
  /** The last end was for want of memory; default: a crash. */
  outOfMemory?: boolean;
  podIp?: string;
  at: Date;
}

/** The strategic merge patch of the status subresource; conditions that others have set survive it. */
export const statusPatch = (pod: LabPod, report: ContainerReport): object => {
  const time = `${report.at.toISOString().slice(0, 19)}Z`;
  const verdict = { status: report.ready ? 'True' : 'False', lastTransitionTime: time };
  const reason = report.ready ? {} : { reason: 'ContainersNotReady' };
  const condition = (type: string) => ({ type, ...verdict, ...reason });
  const address = report.podIp === undefined ? {} : { podIP: report.podIp, podIPs: [{ ip: report.podIp }] };
  return {
    status: {
      phase: report.state === 'ErrImagePull' || report.state === 'ImagePullBackOff' ? 'Pending' : 'Running',
      startTime: pod.metadata.creationTimestamp,
      ...address,
      conditions: [
        { type: 'Initialized', status: 'True', lastTransitionTime: time },
        condition('ContainersReady'),
        condition('Ready'),
      ],
      containerStatuses: pod.spec.containers.map((container) => ({
        name: container.name,
        image: container.image,
        imageID: '',
        ready: report.ready,
        started: report.state === 'running',
        restartCount: report.restarts,
        state: stateOf(report, time),
        ...(report.restarts > 0 ? { lastState: { terminated: endOf(report, time) } } : {}),
      })),
    },
  };
};

const stateOf = (report: ContainerReport, time: string): object => {
  const { state, restarts } = report;
  if (state === 'running') return { running: { startedAt: time } };
  if (state === 'ended') return { terminated: endOf(report, time) };
  const message =
    state === 'CrashLoopBackOff'
      ? `back-off restarting failed container (${restarts} so far)`
      : 'no such image';
  return { waiting: { reason: state, message } };
};

const endOf = ({ outOfMemory = false }: ContainerReport, time: string): object => ({
  ...(outOfMemory ? { exitCode: 137, reason: 'OOMKilled' } : { exitCode: 1, reason: 'Error' }),
  startedAt: time,
  finishedAt: time,
});
