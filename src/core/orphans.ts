import { isCanaryReplicaSet } from './facts.ts';
import type { Deployment, ReplicaSet } from './objects.ts';

/** It is to have pods, and is not what a canary left. */
export const isServing = (set: ReplicaSet): boolean =>
  (set.spec.replicas ?? 0) > 0 && !isCanaryReplicaSet(set);

/**
 * A Deployment deleted with orphan propagation leaves its ReplicaSets serving, and the next one of that selector
 * takes them over: its creation is an update in disguise. This is the Deployment it updates; undefined when no
 * orphan has pods, so that there is nothing to compare with.
 */
export const orphanedDeployment = (
  created: Deployment,
  orphans: readonly ReplicaSet[],
): Deployment | undefined => {
  const [serving] = orphans
    .filter(isServing)
    .sort(
      (a, b) =>
        (b.spec.replicas ?? 0) - (a.spec.replicas ?? 0) || (a.metadata.name < b.metadata.name ? -1 : 1),
    );
  if (serving === undefined) return undefined;
  const replicas = serving.spec.replicas ?? 0;
  return {
    ...created,
    metadata: { ...created.metadata, annotations: {} },
    spec: { ...created.spec, paused: false, replicas, template: serving.spec.template },
    status: {
      replicas,
      updatedReplicas: replicas,
      availableReplicas: serving.status?.availableReplicas ?? 0,
    },
  };
};
