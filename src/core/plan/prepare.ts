import { type Aim, aimsOf, loadOf } from '../aims.ts';
import { canaryNameOf } from '../canary-deployment.ts';
import { ownFailedCondition } from '../facts.ts';
import { revisionOf } from '../revision.ts';
import { sameJson } from '../same-json.ts';
import { isNoShare, NO_SHARE, type Share } from '../share.ts';
import {
  event,
  type Move,
  milestone,
  propagationWaitOf,
  type RunContext,
  SOON_MS,
  type Stage,
  shareWritten,
  steersTraffic,
} from './move.ts';

// From the hold to a canary that can carry its next weight, in the order of the run: nothing here moves traffic
// to the canary.

const wait = (reason: string, message: string, effects: Move['effects'] = []): Move => ({
  effects,
  reason,
  message,
  requeueAfterMs: SOON_MS,
});

/** A failed condition left from the run before would make `rollout status` of this one fail at once. */
export const failedConditionCleared: Stage = ({ facts }) =>
  ownFailedCondition(facts.deployment) === undefined
    ? undefined
    : wait('Preparing', 'clearing the failed condition of the previous run', [
        { kind: 'clearFailedCondition' },
      ]);

/** The primary's template outlives its ReplicaSet, should somebody delete that; those of its predecessors go. */
export const primaryTemplateKept: Stage = ({ snapshot, facts }) => {
  const { primaryReplicaSet, primaryRevision } = facts;
  if (primaryReplicaSet === undefined) return undefined;
  const others = snapshot.kept.filter(({ revision }) => revision !== primaryRevision);
  if (others.length === snapshot.kept.length) {
    return wait('Preparing', "keeping the primary's template", [
      { kind: 'keepPrimaryTemplate', revision: primaryRevision, template: primaryReplicaSet.spec.template },
    ]);
  }
  if (others.length === 0) return undefined;
  return wait(
    'Preparing',
    'dropping the templates of versions that serve no more',
    others.map(({ name, uid }) => ({ kind: 'dropTemplate', name, uid })),
  );
};

/** Scaling 3→0→3 brings up the newest ReplicaSet: an empty one of the held template would come up ungated. */
export const heldReplicaSetDeleted: Stage = ({ snapshot, facts }) => {
  const stale = snapshot.replicaSets.find(
    (set) =>
      (set.spec.replicas ?? 0) === 0 &&
      set.metadata.uid !== facts.primaryReplicaSet?.metadata.uid &&
      revisionOf(set.spec.template, snapshot.injection) === facts.templateRevision,
  );
  if (stale === undefined) return undefined;
  return wait('Preparing', `deleting the empty ReplicaSet ${stale.metadata.name} of the held template`, [
    { kind: 'deleteReplicaSet', name: stale.metadata.name, uid: stale.metadata.uid ?? '' },
  ]);
};

/** Pods from before the opt-in get the primary's label without a restart, so that the primary subset selects them. */
export const primaryAdopted: Stage = ({ facts }) => {
  if (facts.adopted || facts.primaryReplicaSet === undefined) return undefined;
  return wait('Adopting', "labelling the primary's pods; none restarts", [
    { kind: 'adopt', replicaSet: facts.primaryReplicaSet.metadata.name },
  ]);
};

/** Traffic that does not follow the share as asked is told of, once in a run. */
export const limitsTold: Stage = ({ snapshot: { traffic }, run }) => {
  const told = run.limits ?? [];
  const untold = (traffic.limits ?? []).filter((limit) => !told.some((each) => sameJson(each, limit)));
  const [first] = untold;
  if (first === undefined) return undefined;
  return {
    run: { ...run, limits: [...told, ...untold] },
    effects: untold.map(({ reason, message }) => ({ kind: 'event', type: 'Warning', reason, message })),
    ...first,
    requeueAfterMs: 0,
  };
};

export const destinationsStand: Stage = (context) =>
  milestone(context, {
    name: 'destinations',
    reached: context.snapshot.traffic.destinations,
    effects: [{ kind: 'ensureDestinations' }],
    waitMs: propagationWaitOf(context),
    reason: 'WaitingForProxies',
    message: 'proxies learn how to address primary and canary apart',
  });

/** Split at primary 100, canary 0 before the canary has a pod: an unsplit route would send it traffic at once. */
export const splitStands: Stage = (context) => {
  const { traffic } = context.snapshot;
  if (context.status.step >= 0) return undefined;
  return milestone(context, {
    name: 'split',
    reached: !steersTraffic(context) || (traffic.split && isNoShare(traffic.share)),
    effects: shareWritten(NO_SHARE),
    waitMs: propagationWaitOf(context),
    reason: 'WaitingForProxies',
    message: 'proxies learn the split at primary 100 %, canary 0 %',
  });
};

/** The run's first step begins: from here on `step` is the step that is aimed at. */
export const firstStepChosen: Stage = ({ status, snapshot }) => {
  if (status.step >= 0) return undefined;
  const name = canaryNameOf(snapshot.key.split('/')[1] ?? '', snapshot.takenNames);
  return {
    status: { step: 0 },
    effects: [event(`Starting canary analysis for ${name}`)],
    reason: 'CanaryStarting',
    message: `starting ${name}`,
    requeueAfterMs: 0,
  };
};

/** What the step aims at. */
export const targetAim = ({ snapshot, status }: RunContext): Aim => {
  const aims = aimsOf(snapshot.settings);
  // Settings may change, and leave the run with a step that there is no more.
  const at = Math.min(Math.max(status.step, 0), aims.length - 1);
  return aims[at] ?? { share: NO_SHARE, checks: 1 };
};

/** Its share, with the cookie that keeps clients on their side until the next step. */
export const targetShare = (context: RunContext): Share => {
  const { share } = targetAim(context);
  const { affinity } = context.snapshot.settings;
  if (affinity === undefined || share.weight === 0) return share;
  return { ...share, affinity: { ...affinity, token: `${context.run.id}-${context.status.step}` } };
};

/** Percent of the requests that the step may bring to the canary. */
export const targetLoad = (context: RunContext): number => loadOf(targetAim(context).share);
