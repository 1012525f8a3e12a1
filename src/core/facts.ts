import { failedCondition, isOwnCondition } from './conditions.ts';
import { isHeld } from './deployment-change.ts';
import { inject } from './injection.ts';
import { PRIMARY, PRIMARY_MARK, REVISION_ANNOTATION, VERSION_LABEL } from './marks.ts';
import {
  annotationsOf,
  type Condition,
  type Deployment,
  labelsOf,
  type PodTemplate,
  type ReplicaSet,
  type StringMap,
} from './objects.ts';
import { revisionOf } from './revision.ts';
import type { Revision } from './run.ts';
import type { Injection, Snapshot } from './snapshot.ts';

/** What a plan needs to know about the Deployment, derived from the snapshot and nothing else. */
export interface Facts {
  deployment: Deployment;
  /** Paused by Kanari: its marks are there. */
  held: boolean;
  /** Revision of the Deployment's template as stored. */
  templateRevision: Revision;
  /** Revision that serves. */
  primaryRevision: Revision;
  /** The ReplicaSet that serves. */
  primaryReplicaSet: ReplicaSet | undefined;
  /** The held template is the one that serves. */
  reverted: boolean;
  /** The primary's ReplicaSet template and pods, and a held template, carry everything that admission injects. */
  adopted: boolean;
  /** Wanted replicas of the primary. */
  replicas: number;
}

const byReplicas = (a: ReplicaSet, b: ReplicaSet): number => (b.spec.replicas ?? 0) - (a.spec.replicas ?? 0);

// The mark names the primary; where it is missing or names none (another tool, a lost mark) the pods tell.
const findPrimary = (snapshot: Snapshot, marked: Revision | undefined): ReplicaSet | undefined => {
  const ranked = [...snapshot.replicaSets].sort(byReplicas);
  return (
    ranked.find((set) => revisionOf(set.spec.template, snapshot.injection) === marked) ??
    ranked.find((set) => (set.spec.replicas ?? 0) > 0)
  );
};

/** Everything admission injects is in the template already; the API server orders keys as it likes. */
const carriesInjected = (template: PodTemplate, injection: Injection): boolean => {
  const wanted = inject(template, injection).metadata ?? {};
  const { labels = {}, annotations = {} } = template.metadata ?? {};
  const has = (map: StringMap, of: StringMap = {}): boolean =>
    Object.entries(of).every(([key, value]) => map[key] === value);
  return has(labels, wanted.labels) && has(annotations, wanted.annotations);
};

const isAdopted = (snapshot: Snapshot, primary: ReplicaSet | undefined): boolean => {
  if (primary === undefined) return true;
  if (!carriesInjected(primary.spec.template, snapshot.injection)) return false;
  return snapshot.primaryPods
    .filter((pod) => pod.metadata.ownerReferences?.some((owner) => owner.uid === primary.metadata.uid))
    .every((pod) => labelsOf(pod)[VERSION_LABEL] === PRIMARY);
};

export const factsOf = (snapshot: Snapshot, deployment: Deployment): Facts => {
  const templateRevision = revisionOf(deployment.spec.template, snapshot.injection);
  const marked = annotationsOf(deployment)[PRIMARY_MARK];
  const held = isHeld(deployment);
  const primaryReplicaSet = findPrimary(snapshot, held ? marked : templateRevision);
  const primaryRevision =
    primaryReplicaSet === undefined
      ? (marked ?? templateRevision)
      : revisionOf(primaryReplicaSet.spec.template, snapshot.injection);
  return {
    deployment,
    held,
    templateRevision,
    primaryRevision,
    primaryReplicaSet,
    // Without a mark and without pods nobody knows what served: the template standing in for it is no revert.
    reverted:
      held &&
      templateRevision === primaryRevision &&
      (primaryReplicaSet !== undefined || marked !== undefined),
    adopted:
      isAdopted(snapshot, primaryReplicaSet) &&
      // Released with less than its ReplicaSet has, it would be another template, and every pod would restart.
      (!held || carriesInjected(deployment.spec.template, snapshot.injection)),
    replicas: deployment.spec.replicas ?? 1,
  };
};

/** The revision that the canary Deployment was made for. */
export const canaryRevisionOf = (canary: Deployment | undefined): Revision | undefined =>
  canary === undefined ? undefined : annotationsOf(canary)[REVISION_ANNOTATION];

/** The failed condition that Kanari itself put on the Deployment. */
export const ownFailedCondition = (deployment: Deployment): Condition | undefined => {
  const condition = failedCondition(deployment);
  return condition !== undefined && isOwnCondition(condition) ? condition : undefined;
};
