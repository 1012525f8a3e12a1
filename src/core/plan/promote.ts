import type { Deployment } from '../objects.ts';
import { maxUnavailableOf } from '../primary-health.ts';
import { NO_SHARE } from '../share.ts';
import { promotedCanarySized, refusalOf } from './capacity.ts';
import { servingLabelled } from './invariants.ts';
import {
  elapsedMs,
  event,
  firstMove,
  type Move,
  mayCarryTraffic,
  milestone,
  propagationWaitOf,
  SOON_MS,
  type Stage,
  shareWritten,
  steersTraffic,
  without,
} from './move.ts';
import { weightSteppedDown } from './step-down.ts';
import { canaryDeleted, WITHDRAWAL } from './withdraw.ts';

// Promotion is the native rolling update of the user's own Deployment. The canary keeps its weight until it is
// complete: the primary subset selects by label, so it never empties.

/** The write tests pause, mark and template: what was not analysed is not promoted. */
export const promotionWritten: Stage = ({ facts, run, now, snapshot }) => {
  if (!facts.held) return undefined;
  const name = snapshot.key.split('/')[1] ?? '';
  const first = run.waitingSince === undefined;
  const message = `Promoting ${name}: rolling update to the analysed template`;
  return {
    run: { ...run, waitingSince: run.waitingSince ?? now.toISOString() },
    effects: [
      ...(first ? [event(message)] : []),
      { kind: 'promote', revision: run.revision, template: facts.deployment.spec.template },
    ],
    reason: 'Promoting',
    message,
    requeueAfterMs: SOON_MS,
  };
};

/** Every replica is of the promoted template and available, as the Deployment controller reports it. */
export const isRolledOut = ({ metadata, spec, status }: Deployment): boolean => {
  const wanted = spec.replicas ?? 1;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) return false;
  const counts = [status?.updatedReplicas, status?.replicas, status?.availableReplicas];
  return counts.every((count) => (count ?? 0) === wanted);
};

export const rolloutComplete: Stage = ({ facts, run, now, snapshot }): Move | undefined => {
  const { deployment } = facts;
  const updated = deployment.status?.updatedReplicas ?? 0;
  if (isRolledOut(deployment)) {
    return run.waitingSince === undefined
      ? undefined
      : {
          run: without(run, 'waitingSince'),
          reason: 'RolledOut',
          message: 'rolling update complete',
          requeueAfterMs: 0,
        };
  }
  const since = run.waitingSince ?? now.toISOString();
  const late = elapsedMs(since, now) > snapshot.settings.progressDeadlineMs;
  const refusal = refusalOf(deployment);
  const why = refusal === undefined ? '' : ` (${refusal})`;
  const progress = `rolling update: ${updated} of ${facts.replicas} updated${why}`;
  return {
    run: { ...run, waitingSince: since },
    reason: late ? 'PromotionStalled' : 'Promoting',
    message: late ? `${progress}, past the progress deadline; the canary keeps its weight` : progress,
    requeueAfterMs: 5_000,
  };
};

/** It keeps its weight only as long as it can answer: an empty subset fails its whole share. */
export const promotedCanaryServes: Stage = (context) => {
  const { snapshot, status } = context;
  const { canary, unlisted = false } = snapshot.endpoints;
  if (!steersTraffic(context) || canary > 0 || unlisted) return undefined;
  if (status.canaryWeight === 0 && !mayCarryTraffic(context)) return undefined;
  return {
    status: { canaryWeight: 0 },
    effects: shareWritten(NO_SHARE),
    reason: 'CanaryLost',
    message: 'the canary lost its last ready endpoint; the promotion goes on without it',
    requeueAfterMs: SOON_MS,
  };
};

/**
 * Where a quota has no room for the pods of the rolling update, the canary's make some: the primary carries all of the
 * traffic then, as in any rolling update, and without that room the update would stand still for ever.
 */
export const canaryYields: Stage = (context) => {
  const { facts, status, snapshot } = context;
  const { deployment } = facts;
  const refusal = refusalOf(deployment);
  const kept = (deployment.status?.availableReplicas ?? 0) >= facts.replicas - maxUnavailableOf(deployment);
  if (refusal === undefined || !kept || snapshot.canaryDeployment === undefined) return undefined;
  const words = {
    reason: 'CanaryYields',
    message: `the canary makes room for the rolling update, whose pods are refused: ${refusal}`,
  };
  if (status.canaryWeight !== 0 || mayCarryTraffic(context)) {
    const told = status.canaryWeight === 0 ? [] : [event(words.message, 'Warning')];
    return {
      status: { canaryWeight: 0 },
      effects: [...shareWritten(NO_SHARE), ...told],
      ...words,
      requeueAfterMs: SOON_MS,
    };
  }
  const learnt = milestone(context, {
    name: 'weightZero',
    reached: true,
    effects: [],
    waitMs: propagationWaitOf(context),
    ...words,
  });
  const deleted = canaryDeleted(context);
  return learnt ?? (deleted && { ...deleted, ...words });
};

export const finalisingBegun: Stage = ({ status }) =>
  status.phase === 'Finalising'
    ? undefined
    : {
        status: { phase: 'Finalising' },
        reason: 'Finalising',
        message: 'the primary is rolled out; traffic goes back to it alone',
        requeueAfterMs: 0,
      };

/** Until the primary is rolled out, and has its requests back. */
const ROLLING_UPDATE: readonly Stage[] = [
  promotedCanaryServes,
  promotionWritten,
  canaryYields,
  promotedCanarySized,
  rolloutComplete,
  weightSteppedDown,
];

export const PROMOTION: readonly Stage[] = [
  servingLabelled,
  (context) => (context.status.phase === 'Finalising' ? undefined : firstMove(ROLLING_UPDATE, context)),
  finalisingBegun,
  ...WITHDRAWAL,
];
