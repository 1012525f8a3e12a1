import { expect } from 'vitest';
import { injectionFor } from '../../../src/core/injection.ts';
import {
  annotationsOf,
  type Deployment,
  type Pod,
  type ReplicaSet,
  type StringMap,
} from '../../../src/core/objects.ts';
import { revisionOf } from '../../../src/core/revision.ts';
import { eventually, type Shop } from '../shop.ts';

/** A Deployment and what it runs, when its controller has nothing more to do about it. */
export interface Sight {
  deployment: Deployment;
  sets: ReplicaSet[];
  /** Those being deleted are left out. */
  pods: Pod[];
}

export const look = (shop: Shop): Promise<Sight> =>
  eventually(async () => {
    const deployment = await shop.deployment();
    expect(deployment.status?.observedGeneration).toBe(deployment.metadata.generation);
    const [sets, pods] = await Promise.all([shop.replicaSets(), shop.pods()]);
    const living = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return { deployment, sets, pods: living };
  });

/** All pods are of the stored template and ready. */
export const serves = (shop: Shop): Promise<void> =>
  eventually(async () => {
    const { deployment, pods } = await look(shop);
    const { updatedReplicas = 0, availableReplicas = 0 } = deployment.status ?? {};
    const wanted = deployment.spec.replicas;
    expect([updatedReplicas, availableReplicas, pods.length]).toEqual([wanted, wanted, wanted]);
  });

// What namespaces without a mesh get.
const INJECTION = injectionFor(
  { sidecar: 'none' },
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
);

export const revisionIn = ({ spec }: Pick<Deployment | ReplicaSet, 'spec'>): string =>
  revisionOf(spec.template, INJECTION);

export const setsWithPods = ({ sets }: Sight): ReplicaSet[] =>
  sets.filter(({ spec }) => (spec.replicas ?? 0) > 0);

/** What the primary runs, or is on its way to. */
export const primaryRevision = (sight: Sight): string => {
  const { deployment } = sight;
  if (deployment.spec.paused !== true) return revisionIn(deployment);
  const [set] = setsWithPods(sight);
  return set === undefined ? (marksOf(deployment)['kanari.dev/primary'] ?? '') : revisionIn(set);
};

const MARKS = ['kanari.dev/run', 'kanari.dev/primary', 'kanari.dev/held-by'];

/** Without the weight, which moves while a run does. */
export const marksOf = (deployment: Deployment): StringMap =>
  Object.fromEntries(Object.entries(annotationsOf(deployment)).filter(([name]) => MARKS.includes(name)));

/** The canary of the held template runs, and has the first step's share. */
export const canaryHasItsShare = (shop: Shop): Promise<void> =>
  eventually(async () => {
    const [canary, deployment] = await Promise.all([shop.canary(), shop.deployment()]);
    expect(canary.status?.run?.revision).toBe(revisionIn(deployment));
    expect(canary.status?.canaryWeight).toBe(50);
    expect(annotationsOf(deployment)['kanari.dev/weight']).toBe('50');
  });
