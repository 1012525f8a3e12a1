import type { Deployment } from '../objects.ts';
import { NO_SHARE } from '../share.ts';
import { servingLabelled } from './invariants.ts';
import {
  elapsedMs,
  event,
  type Move,
  mayCarryTraffic,
  SOON_MS,
  type Stage,
  shareWritten,
  steersTraffic,
  without,
} from './move.ts';
import { WITHDRAWAL } from './withdraw.ts';

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
  const progress = `rolling update: ${updated} of ${facts.replicas} updated`;
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
  if (!steersTraffic(context) || snapshot.endpoints.canary > 0) return undefined;
  if (status.canaryWeight === 0 && !mayCarryTraffic(context)) return undefined;
  return {
    status: { canaryWeight: 0 },
    effects: shareWritten(NO_SHARE),
    reason: 'CanaryLost',
    message: 'the canary lost its last ready endpoint; the promotion goes on without it',
    requeueAfterMs: SOON_MS,
  };
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

export const PROMOTION: readonly Stage[] = [
  servingLabelled,
  (context) => (context.status.phase === 'Finalising' ? undefined : promotedCanaryServes(context)),
  (context) => (context.status.phase === 'Finalising' ? undefined : promotionWritten(context)),
  (context) => (context.status.phase === 'Finalising' ? undefined : rolloutComplete(context)),
  finalisingBegun,
  ...WITHDRAWAL,
];
