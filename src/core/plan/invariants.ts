import type { Effect } from '../effects.ts';
import { isCanaryReplicaSet } from '../facts.ts';
import { CANARY, PRIMARY, VERSION_LABEL } from '../marks.ts';
import { event, type RunContext, SOON_MS, type Stage } from './move.ts';

// What must be so at any time, run or no run, and what is done when it is not.

/**
 * A canary Deployment deleted with orphan propagation leaves its ReplicaSet to the primary, whose selector matches it:
 * it would take a share of the requests for ever.
 */
export const orphanedCanaryDeleted = ({
  snapshot,
  facts,
}: Pick<RunContext, 'snapshot' | 'facts'>): Effect[] => {
  // A manifest copied from a canary: the label is its user's own, on all there is.
  if (facts.deployment.spec.template.metadata?.labels?.[VERSION_LABEL] === CANARY) return [];
  return snapshot.replicaSets
    .filter((set) => isCanaryReplicaSet(set) && set.metadata.deletionTimestamp === undefined)
    .filter(({ metadata }) => metadata.name !== snapshot.canary?.status?.primary?.replicaSet)
    .flatMap(({ metadata: { name, uid = '' } }): Effect[] => [
      { kind: 'deleteReplicaSet', name, uid },
      event(
        `Deleting the ReplicaSet ${name}: it was the canary's, and the primary has taken it over`,
        'Warning',
      ),
    ]);
};

/** While a split stands, pods without the primary's label get none of the traffic that is meant for them. */
export const servingLabelled: Stage = ({ snapshot }) => {
  if (snapshot.traffic.routesRestored) return undefined;
  const lacking = snapshot.replicaSets.find(
    (set) =>
      (set.spec.replicas ?? 0) > 0 &&
      !isCanaryReplicaSet(set) &&
      set.spec.template.metadata?.labels?.[VERSION_LABEL] !== PRIMARY,
  );
  if (lacking === undefined) return undefined;
  return {
    effects: [{ kind: 'adopt', replicaSet: lacking.metadata.name }],
    reason: 'Adopting',
    message: `labelling the pods of ${lacking.metadata.name}: the split would pass them by; none restarts`,
    requeueAfterMs: SOON_MS,
  };
};

/** Something other than Kanari let another ReplicaSet run: there is no primary to compare with. */
export const holdIntact: Stage = ({ facts, snapshot, status }) => {
  const { primaryReplicaSet } = facts;
  if (primaryReplicaSet === undefined || (primaryReplicaSet.spec.replicas ?? 0) > 0) return undefined;
  const other = snapshot.replicaSets.find((set) => (set.spec.replicas ?? 0) > 0 && !isCanaryReplicaSet(set));
  if (other === undefined) return undefined;
  const message = `the ReplicaSet ${other.metadata.name} runs instead of the primary's ${primaryReplicaSet.metadata.name}, although nothing was released; Kanari waits for a person`;
  return {
    effects: status.reason === 'HoldBroken' ? [] : [event(`Hold broken: ${message}`, 'Warning')],
    reason: 'HoldBroken',
    message,
    requeueAfterMs: 10_000,
  };
};
