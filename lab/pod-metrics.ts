import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from '../src/core/objects.ts';
import type { Lab } from './lab.ts';
import { waitForCondition } from './wait-for.ts';

// What a metrics server would tell an autoscaler, without nodes to ask: objects of the API's own group, one per pod.

/** The API server keeps groups under k8s.io for itself, unless it is told who said yes. */
const CRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: pods.metrics.k8s.io
  annotations: {api-approved.kubernetes.io: "unapproved, a stand-in"}
spec:
  group: metrics.k8s.io
  scope: Namespaced
  names: {kind: PodMetrics, plural: pods, singular: pod}
  versions:
  - name: v1beta1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`;

const EVERY_MS = 500;
const APPLY = 'application/apply-patch+yaml';

export interface PodMetricsOptions {
  namespace: string;
  /** Milli-CPUs that a pod uses at this moment; `pods` are all that serve. */
  usageOf: (pod: Pod, pods: readonly Pod[]) => number;
}

/** Keeps `metrics.k8s.io` up to date for the pods of a namespace; stopped with the lab. */
export const startPodMetrics = async (lab: Lab, { namespace, usageOf }: PodMetricsOptions): Promise<void> => {
  await lab.applyYaml(CRD);
  await waitForCondition(lab, 'Established', ['crd/pods.metrics.k8s.io']);
  const stopping = new AbortController();
  const { signal } = stopping;
  const mirror = lab.api.mirror<Pod>(`/api/v1/namespaces/${namespace}/pods`, signal);
  const publish = async (): Promise<void> => {
    const pods = mirror.list().filter(isServing);
    await Promise.all(
      pods.map((pod) => {
        const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods/${pod.metadata.name}`;
        const query = '?fieldManager=lab&force=true';
        return lab.api.request('PATCH', path + query, metricsOf(pod, usageOf(pod, pods)), APPLY);
      }),
    );
  };
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      // The next round tells it anew.
      await publish().catch(() => undefined);
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const followed = follow();
  lab.onStop(async () => {
    stopping.abort();
    await followed;
  });
};

const isServing = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined &&
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;

/** Goes with its pod. */
const metricsOf = ({ metadata: { name, namespace = '', labels = {}, uid = '' } }: Pod, milliCpu: number) => ({
  apiVersion: 'metrics.k8s.io/v1beta1',
  kind: 'PodMetrics',
  metadata: {
    name,
    namespace,
    labels,
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid }],
  },
  timestamp: new Date().toISOString(),
  window: '1s',
  containers: [{ name: 'web', usage: { cpu: `${Math.round(milliCpu)}m`, memory: '10Mi' } }],
});
