import { failedCondition, isOwnCondition } from './conditions.ts';
import { isHeld } from './deployment-change.ts';
import { inject } from './injection.ts';
import { CANARY, PRIMARY, PRIMARY_MARK, REVISION_ANNOTATION, VERSION_LABEL } from './marks.ts';
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
  /** Held, and nothing is left of the ReplicaSet that served. */
  primaryLost: boolean;
  /** Something tells what served: its ReplicaSet, or the mark. Else the held template stands in for it. */
  primaryKnown: boolean;
  /** The held template is the one that serves. */
  reverted: boolean;
  /** The primary's ReplicaSet template and pods, and a held template, carry everything that admission injects. */
  adopted: boolean;
  /** Wanted replicas of the primary. */
  replicas: number;
}

const byReplicas = (a: ReplicaSet, b: ReplicaSet): number => (b.spec.replicas ?? 0) - (a.spec.replicas ?? 0);

/** A canary's, which the Deployment controller gave to the primary after somebody orphaned it. */
export const isCanaryReplicaSet = ({ spec }: ReplicaSet): boolean =>
  spec.template.metadata?.labels?.[VERSION_LABEL] === CANARY;

interface PrimarySearch {
  replicaSet: ReplicaSet | undefined;
  lost: boolean;
}

// The mark names the primary. Where it names none that is there (another tool, an injection that changed) the name that
// was noted down does, then the pods; a hold without the mark is the failsafe's, made after who knows what, and the pods
// tell first. A held primary of which nothing is left is lost: what else runs is not it.
const findPrimary = (snapshot: Snapshot, marked: Revision | undefined, held: boolean): PrimarySearch => {
  const { replicaSets, injection, canary } = snapshot;
  const noted = canary?.status?.primary?.replicaSet;
  const ranked = replicaSets.filter((set) => !isCanaryReplicaSet(set)).sort(byReplicas);
  const serving = ranked.find(({ spec }) => (spec.replicas ?? 0) > 0);
  const found =
    marked === undefined && serving !== undefined
      ? serving
      : (ranked.find((set) => revisionOf(set.spec.template, injection) === marked) ??
        ranked.find(({ metadata }) => metadata.name === noted));
  if (found !== undefined) return { replicaSet: found, lost: false };
  if (held && noted !== undefined) return { replicaSet: undefined, lost: true };
  return { replicaSet: serving, lost: false };
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
  const primary = findPrimary(snapshot, held ? marked : templateRevision, held);
  const primaryReplicaSet = primary.replicaSet;
  const primaryRevision =
    primaryReplicaSet === undefined
      ? (marked ?? snapshot.canary?.status?.primary?.revision ?? templateRevision)
      : revisionOf(primaryReplicaSet.spec.template, snapshot.injection);
  const primaryKnown = !held || primaryReplicaSet !== undefined || marked !== undefined;
  return {
    deployment,
    held,
    templateRevision,
    primaryRevision,
    primaryReplicaSet,
    primaryLost: primary.lost,
    primaryKnown,
    reverted: held && primaryKnown && templateRevision === primaryRevision,
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
