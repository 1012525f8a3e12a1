import { ownFailedCondition } from '../facts.ts';
import { WEIGHT_MARK } from '../marks.ts';
import { annotationsOf } from '../objects.ts';
import { NO_SHARE } from '../share.ts';
import { fixReleased } from './fix.ts';
import { servingLabelled } from './invariants.ts';
import { primaryRestored } from './lost.ts';
import { mayCarryTraffic, milestone, propagationWaitOf, SOON_MS, type Stage, shareWritten } from './move.ts';
import { primaryAdopted } from './prepare.ts';
import { isContested } from './routes-written.ts';
import { canaryMayBeReached, splitMayBeInEffect, withOutstanding } from './take-over.ts';

// How every run ends, promoted or not: the canary's traffic first, then its pods, then the routes, then the
// destinations. An unsplit route reaches every pod of the Service, so it never comes before the last canary pod.

export const weightWithdrawn: Stage = (context) => {
  const { snapshot, status } = context;
  // Undone each time: no write takes its share from the canary, and only its end does.
  const given = mayCarryTraffic(context) && !isContested(context);
  if (status.canaryWeight === 0 && !given) return markWithdrawn(context);
  if (snapshot.traffic.routesRestored)
    return { status: { canaryWeight: 0 }, ...wordsOf(context), requeueAfterMs: 0 };
  return {
    status: { canaryWeight: 0, phase: 'Finalising' },
    effects: shareWritten(NO_SHARE),
    ...wordsOf(context),
    requeueAfterMs: SOON_MS,
  };
};

/** Where no route carries weights, nothing else says on the Deployment that the canary has none left. */
const markWithdrawn: Stage = (context) => {
  const marked = annotationsOf(context.facts.deployment)[WEIGHT_MARK] ?? '0';
  return marked === '0'
    ? undefined
    : { effects: [{ kind: 'setWeightMark', weight: 0 }], ...wordsOf(context), requeueAfterMs: SOON_MS };
};

/** Why the run ends, for its status until then. */
export const wordsOf = ({ run }: Parameters<Stage>[0]): { reason: string; message: string } => ({
  reason: run.ending?.reason ?? 'Finalising',
  message: run.ending?.message ?? '',
});

const waitingWordsOf = (context: Parameters<Stage>[0]): { reason: string; message: string } => {
  const { reason, message } = wordsOf(context);
  return { reason, message: withOutstanding(message, context) };
};

/** `kubectl rollout status` exits 1 with the reason, as long as the failed template is held. */
export const failureShown: Stage = ({ facts, run }) => {
  const { ending } = run;
  const failed = ending?.outcome === 'RolledBack' || ending?.outcome === 'Aborted';
  if (!failed || !facts.held || facts.templateRevision !== run.revision) return undefined;
  if (ownFailedCondition(facts.deployment) !== undefined) return undefined;
  return {
    effects: [{ kind: 'setFailedCondition', message: ending.message }],
    reason: ending.reason,
    message: ending.message,
    requeueAfterMs: SOON_MS,
  };
};

/**
 * Scaled up from zero, a paused Deployment brings up its newest ReplicaSet, whichever that is: only the primary's may
 * be left.
 */
export const otherReplicaSetsDeleted: Stage = (context) => {
  const { facts, snapshot } = context;
  const { primaryReplicaSet } = facts;
  if (!facts.held || facts.replicas > 0 || primaryReplicaSet === undefined) return undefined;
  const others = snapshot.replicaSets.filter(
    ({ spec, metadata }) => (spec.replicas ?? 0) === 0 && metadata.uid !== primaryReplicaSet.metadata.uid,
  );
  if (others.length === 0) return undefined;
  return {
    effects: others.map(({ metadata }) => ({
      kind: 'deleteReplicaSet',
      name: metadata.name,
      uid: metadata.uid ?? '',
    })),
    ...wordsOf(context),
    requeueAfterMs: SOON_MS,
  };
};

/** A held template that is the primary's own is let go: same ReplicaSet, no pod restarted. */
export const revertReleased: Stage = (context) => {
  const { facts } = context;
  if (!facts.reverted) return undefined;
  return primaryAdopted(context) ?? released(context);
};

const released: Stage = ({ facts }) => {
  const stale = ownFailedCondition(facts.deployment) !== undefined;
  return {
    effects: [
      ...(stale ? [{ kind: 'clearFailedCondition' } as const] : []),
      { kind: 'release', revision: facts.templateRevision, template: facts.deployment.spec.template },
    ],
    reason: 'RevertedToPrimary',
    message: 'the template is the one that serves; nothing restarts',
    requeueAfterMs: SOON_MS,
  };
};

export const weightZeroLearnt: Stage = (context) =>
  milestone(context, {
    name: 'weightZero',
    reached: !canaryMayBeReached(context),
    effects: [],
    waitMs: context.snapshot.traffic.routesRestored ? 0 : propagationWaitOf(context),
    ...waitingWordsOf(context),
  });

export const canaryDeleted: Stage = (context) => {
  const canary = context.snapshot.canaryDeployment;
  if (canary === undefined || canary.metadata.deletionTimestamp !== undefined) return undefined;
  return {
    effects: [{ kind: 'deleteCanary', name: canary.metadata.name, uid: canary.metadata.uid ?? '' }],
    ...wordsOf(context),
    requeueAfterMs: SOON_MS,
  };
};

/** Not "gone", which takes the whole grace period: none of its endpoints is ready. */
export const canaryUnreachable: Stage = (context) => {
  const { snapshot } = context;
  return milestone(context, {
    name: 'canaryGone',
    reached: snapshot.canaryDeployment === undefined && snapshot.endpoints.canaryAny === 0,
    effects: [],
    waitMs: propagationWaitOf(context),
    ...wordsOf(context),
  });
};

export const routesRestored: Stage = (context) =>
  milestone(context, {
    name: 'restored',
    reached: context.snapshot.traffic.routesRestored && !splitMayBeInEffect(context),
    effects: [{ kind: 'restoreRoutes' }],
    waitMs: context.snapshot.traffic.destinationsRemoved ? 0 : propagationWaitOf(context),
    ...waitingWordsOf(context),
  });

export const destinationsRemoved: Stage = (context) =>
  context.snapshot.traffic.destinationsRemoved
    ? undefined
    : { effects: [{ kind: 'removeDestinations' }], ...wordsOf(context), requeueAfterMs: SOON_MS };

export const WITHDRAWAL: readonly Stage[] = [
  primaryRestored,
  fixReleased,
  weightWithdrawn,
  servingLabelled,
  otherReplicaSetsDeleted,
  failureShown,
  revertReleased,
  weightZeroLearnt,
  canaryDeleted,
  canaryUnreachable,
  routesRestored,
  destinationsRemoved,
];
