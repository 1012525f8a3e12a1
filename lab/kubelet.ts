import { setTimeout as sleep } from 'node:timers/promises';
import { keyOf } from '../src/core/objects.ts';
import { type LabApi, LabApiError, type Mirror } from './api.ts';
import { protocolOf } from './mesh-hosts.ts';
import { type Offers, watchOffers } from './offers.ts';
import { behaviourOf, type PodBehaviour } from './pod-behaviour.ts';
import {
  createAddressPool,
  type PodPort,
  type PodServer,
  type ServedRequest,
  startPodServer,
} from './pod-server.ts';
import { type ContainerReport, type LabPod, statusPatch } from './pod-status.ts';

// Scheduler and kubelet in one: binds every pod to the one node there is and lets it live as its image tag says.

export interface KubeletOptions {
  /** From bound to ready, unless the image tag says otherwise. Default 300 ms. */
  startupMs?: number;
  /**
   * Pods that are asked to end go on serving for their grace period, but no longer than this after the last EndpointSlice
   * has stopped offering them. Default 2000 ms.
   */
  graceCapMs?: number;
  /** Between two crashes of a pod that crashes. Default 2000 ms. */
  crashEveryMs?: number;
}

export interface Kubelet {
  /** To be told of every HTTP request that a pod has answered, from now on. */
  onServed: (listener: (request: ServedRequest) => void) => void;
  /** Ends all pods' servers; the API's objects stay. */
  stop: () => Promise<void>;
}

const NODE = 'lab-node';
const RETRY_MS = 300;
const DEFAULT_PORT = 8080;
const STRATEGIC_MERGE = 'application/strategic-merge-patch+json';

interface Context {
  api: LabApi;
  options: Required<KubeletOptions>;
  offers: Offers;
  nextIp: () => string;
  served: (request: ServedRequest) => void;
}

/** Resolves when the node is registered and the first pods are seen. */
export const startKubelet = async (api: LabApi, options: KubeletOptions = {}): Promise<Kubelet> => {
  const listeners: ((request: ServedRequest) => void)[] = [];
  const stopping = new AbortController();
  const context: Context = {
    api,
    offers: watchOffers(api, stopping.signal),
    options: { startupMs: 300, graceCapMs: 2000, crashEveryMs: 2000, ...options },
    // Two labs on one machine begin far apart.
    nextIp: createAddressPool((process.pid % 200) * 300),
    served: (request) => {
      for (const listener of listeners) listener(request);
    },
  };
  await registerNode(api);
  const pods: Mirror<LabPod> = api.mirror('/api/v1/pods', stopping.signal);
  const lives = new Map<string, PodLife>();
  pods.onChange((pod, type) => {
    const key = `${keyOf(pod)}/${pod.metadata.uid ?? ''}`;
    if (type === 'DELETED') {
      lives.get(key)?.end();
      lives.delete(key);
      return;
    }
    const life = lives.get(key) ?? startLife(pod, context);
    lives.set(key, life);
    if (pod.metadata.deletionTimestamp !== undefined) life.terminate(endOf(pod, context));
  });
  await pods.ready;
  const stop = async (): Promise<void> => {
    stopping.abort();
    for (const life of lives.values()) life.end();
    await Promise.all([...lives.values()].map((life) => life.ended));
  };
  return { stop, onServed: (listener) => void listeners.push(listener) };
};

const registerNode = async (api: LabApi): Promise<void> => {
  const amounts = { cpu: '64', memory: '256Gi', pods: '2000' };
  const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady' };
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: NODE, labels: { 'kubernetes.io/hostname': NODE } },
    status: { capacity: amounts, allocatable: amounts, conditions: [ready] },
  };
  await api.request('POST', '/api/v1/nodes', node).catch(ignoring('AlreadyExists'));
};

const graceOf = (pod: LabPod, { options }: Context): number => {
  const { deletionGracePeriodSeconds } = pod.metadata as { deletionGracePeriodSeconds?: number };
  return Math.min((deletionGracePeriodSeconds ?? 30) * 1000, options.graceCapMs);
};

/** How a pod ends that is asked to: the hook is part of the grace period, and the signal comes after it. */
interface End {
  preStopMs: number;
  graceMs: number;
}

const endOf = (pod: LabPod, context: Context): End => {
  const graceMs = graceOf(pod, context);
  const seconds = pod.spec.containers.map(({ lifecycle }) => lifecycle?.preStop?.sleep?.seconds ?? 0);
  return { graceMs, preStopMs: Math.min(Math.max(...seconds) * 1000, graceMs) };
};

interface PodLife {
  /**
   * Goes on serving for the grace period, an abrupt pod only until its preStop hook has ended, then removes the pod from
   * the API. Calls after the first do nothing.
   */
  terminate(end: End): void;
  /** At once: the object is gone, or the lab ends. */
  end(): void;
  ended: Promise<void>;
}

const startLife = (pod: LabPod, context: Context): PodLife => {
  const gone = new AbortController();
  const terminating = new AbortController();
  // What a pod reports stops with its termination; its server goes on until it is gone.
  const living = AbortSignal.any([gone.signal, terminating.signal]);
  const server = openServer(pod, context);
  const ended = live(pod, { context, server, signal: living })
    .catch((error: unknown) => {
      if (!living.aborted) console.error(`lab: pod ${keyOf(pod)}:`, error);
    })
    .then(() => untilAborted(gone.signal))
    .then(async () => (await server)?.close());
  const terminate = ({ preStopMs, graceMs }: End): void => {
    if (terminating.signal.aborted) return;
    terminating.abort();
    const { abrupt } = behaviourOfPod(pod);
    void serveOn(pod, abrupt ? preStopMs : graceMs, { context, signal: gone.signal })
      .then(async () => (abrupt ? (await server)?.close() : undefined))
      .then(() => removePod(pod, context.api, gone.signal))
      .catch(() => undefined);
  };
  return { terminate, end: () => gone.abort(), ended };
};

/** For so long as clients need, as a grace period or a hook should last: from when they can know that the pod goes. */
const serveOn = async (
  pod: LabPod,
  milliseconds: number,
  { context, signal }: Pick<Life, 'context' | 'signal'>,
): Promise<void> => {
  if (milliseconds > 0) await context.offers.withdrawn(pod.metadata.uid ?? '', signal);
  await sleep(milliseconds, undefined, { signal });
};

const openServer = async (pod: LabPod, { nextIp, served }: Context): Promise<PodServer | undefined> => {
  const behaviour = behaviourOfPod(pod);
  if (behaviour.fate === 'crashes' || behaviour.fate === 'pull-fails') return undefined;
  const { name, namespace = '' } = pod.metadata;
  const options = { pod: name, namespace, behaviour, ports: portsOf(pod), onServed: served };
  return startPodServer(options, nextIp);
};

/** A port speaks what the first word of its name says, and HTTP otherwise. */
const portsOf = ({ spec }: LabPod): PodPort[] => {
  const declared = spec.containers
    .flatMap((container) => container.ports ?? [])
    .filter(({ protocol }) => protocol !== 'UDP')
    .map(({ containerPort: port, name }) => ({
      port,
      speaks: protocolOf({ port, ...(name === undefined ? {} : { name }) }),
    }));
  const ports = new Map(declared.map((one) => [one.port, one]));
  return ports.size === 0 ? [{ port: DEFAULT_PORT, speaks: 'http' }] : [...ports.values()];
};

const behaviourOfPod = (pod: LabPod): PodBehaviour => behaviourOf(pod.spec.containers[0]?.image ?? '');

interface Life {
  context: Context;
  server: Promise<PodServer | undefined>;
  signal: AbortSignal;
}

/** From binding to the state in which the pod stays. Throws when the signal aborts. */
const live = async (pod: LabPod, { context, server, signal }: Life): Promise<void> => {
  const { api, options } = context;
  const { fate, startMs, killed } = behaviourOfPod(pod);
  const podIp = (await server)?.podIp;
  const report = (state: ContainerReport['state'], ready: boolean, restarts: number): Promise<void> => {
    const address = podIp === undefined ? {} : { podIp };
    const outOfMemory = killed?.outOfMemory === true;
    const patch = statusPatch(pod, { state, ready, restarts, outOfMemory, at: new Date(), ...address });
    return persist(() => api.request('PATCH', `${pathOf(pod)}/status`, patch, STRATEGIC_MERGE), signal);
  };
  if (pod.spec.nodeName === undefined) await bind(pod, api, signal);
  if (fate === 'pull-fails') {
    await report('ErrImagePull', false, 0);
    await sleep(options.startupMs, undefined, { signal });
    return report('ImagePullBackOff', false, 0);
  }
  if (fate === 'crashes') {
    for (let restarts = 0; ; restarts += 1) {
      await report(restarts === 0 ? 'running' : 'CrashLoopBackOff', false, restarts);
      await sleep(options.crashEveryMs, undefined, { signal });
    }
  }
  for (let restarts = 0; ; restarts += 1) {
    await report('running', false, restarts);
    if (fate === 'never-ready') return;
    await sleep(startMs ?? options.startupMs, undefined, { signal });
    await report('running', true, restarts);
    if (killed === undefined) return;
    await sleep(killed.everyMs, undefined, { signal });
    await report('ended', false, restarts);
  }
};

const pathOf = (pod: LabPod): string =>
  `/api/v1/namespaces/${pod.metadata.namespace ?? ''}/pods/${pod.metadata.name}`;

const bind = (pod: LabPod, api: LabApi, signal: AbortSignal): Promise<void> => {
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: pod.metadata.name },
    target: { kind: 'Node', name: NODE },
  };
  return persist(() => api.request('POST', `${pathOf(pod)}/binding`, binding), signal);
};

const removePod = (pod: LabPod, api: LabApi, signal: AbortSignal): Promise<void> => {
  const options = { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } };
  return persist(() => api.request('DELETE', pathOf(pod), options), signal);
};

/** Until it succeeds: the API server may be restarting. No is taken for an answer where asking again can't help. */
const persist = async (call: () => Promise<unknown>, signal: AbortSignal): Promise<void> => {
  for (;;) {
    signal.throwIfAborted();
    try {
      await call();
      return;
    } catch (error) {
      if (error instanceof LabApiError && [404, 409, 422].includes(error.status)) return;
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
};

const ignoring =
  (reason: string) =>
  (error: unknown): undefined => {
    if (error instanceof LabApiError && error.reason === reason) return undefined;
    throw error;
  };

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
