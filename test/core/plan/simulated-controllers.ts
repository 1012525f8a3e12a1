import { inject } from '../../../src/core/injection.ts';
import { REVISION_ANNOTATION, VERSION_LABEL } from '../../../src/core/marks.ts';
import type { Condition, Deployment, Pod, PodTemplate, ReplicaSet } from '../../../src/core/objects.ts';
import { revisionOf } from '../../../src/core/revision.ts';
import type { Injection } from '../../../src/core/snapshot.ts';

// What Kubernetes' own controllers and the kubelet make of Deployments, at once.

/** The status of a Deployment all of whose pods are new and ready. */
const complete = (generation: number, replicas: number): NonNullable<Deployment['status']> => ({
  observedGeneration: generation,
  replicas,
  updatedReplicas: replicas,
  readyReplicas: replicas,
});

export const completeStatus = (generation: number, replicas: number): NonNullable<Deployment['status']> => ({
  ...complete(generation, replicas),
  availableReplicas: replicas,
});

export const withConditions = (deployment: Deployment, conditions: Condition[]): Deployment => ({
  ...deployment,
  status: { ...deployment.status, conditions },
});

export const replicaSetOf = (template: PodTemplate, replicas: number, injection: Injection): ReplicaSet => {
  const uid = `rs-${revisionOf(template, injection)}`;
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: uid, namespace: 'shop', uid },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template },
    status: { replicas, readyReplicas: replicas },
  };
};

/** The labels that adoption gives to the templates of a Deployment and of what serves. */
export const withInjectedTemplate = <T extends Deployment | ReplicaSet>(
  object: T,
  injection: Injection,
): T => ({
  ...object,
  spec: { ...object.spec, template: inject(object.spec.template, injection) },
});

interface RolledOut {
  deployment: Deployment;
  replicaSets: ReplicaSet[];
  /** Pods that were started for it. */
  restarts: number;
}

/** The end of a rolling update: all pods are of the Deployment's template. Equal templates share their ReplicaSet. */
export const rolledOut = (deployment: Deployment, sets: ReplicaSet[], injection: Injection): RolledOut => {
  const { template, replicas = 0 } = deployment.spec;
  const revision = revisionOf(template, injection);
  const current = sets.find((set) => revisionOf(set.spec.template, injection) === revision);
  const same = current !== undefined && JSON.stringify(current.spec.template) === JSON.stringify(template);
  const { generation = 0 } = deployment.metadata;
  return {
    deployment: {
      ...deployment,
      status: { ...deployment.status, ...completeStatus(generation, replicas) },
    },
    replicaSets: [
      ...(same ? [] : [replicaSetOf(template, replicas, injection)]),
      ...sets.map((set) => ({
        ...set,
        spec: { ...set.spec, replicas: set === current && same ? replicas : 0 },
      })),
    ],
    restarts: same ? 0 : replicas,
  };
};

export const revisionOfCanary = (canary: Deployment | undefined): string | undefined =>
  canary?.metadata.annotations?.[REVISION_ANNOTATION];

/** The canary Deployment as the API server has it after the write; another size restarts no pod. */
export const appliedCanary = (before: Deployment | undefined, manifest: Deployment): Deployment => ({
  ...manifest,
  metadata: {
    ...manifest.metadata,
    uid: 'c1',
    generation: (before?.metadata.generation ?? 0) + 1,
  },
  status: revisionOfCanary(before) === revisionOfCanary(manifest) ? (before?.status ?? {}) : {},
});

/** With all of its pods. */
export const startedCanary = (canary: Deployment): Deployment => {
  const { generation = 1 } = canary.metadata;
  return { ...canary, status: complete(generation, canary.spec.replicas ?? 0) };
};

export interface PodsHealth {
  /** So many have lost their readiness. */
  ailing: number;
  /** And so many have yet to be ready for the first time. */
  starting: number;
}

/** With the label of their side, or without. */
export const podsOf = (set: ReplicaSet, side: string | undefined, health: PodsHealth): Pod[] => {
  const { name, uid = '' } = set.metadata;
  return Array.from({ length: set.spec.replicas ?? 0 }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${index}`,
      namespace: 'shop',
      labels: side === undefined ? { app: 'web' } : { app: 'web', [VERSION_LABEL]: side },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid }],
    },
    status: podStatus(index, health),
  }));
};

const podStatus = (index: number, { ailing, starting }: PodsHealth): NonNullable<Pod['status']> => {
  const [startTime, later] = ['2026-11-21T02:00:00Z', '2026-11-21T02:01:00Z'];
  const ready = index >= ailing + starting;
  const lastTransitionTime = index >= ailing && !ready ? startTime : later;
  const status = ready ? 'True' : 'False';
  return { phase: 'Running', startTime, conditions: [{ type: 'Ready', status, lastTransitionTime }] };
};
