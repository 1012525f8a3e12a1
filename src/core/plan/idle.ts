import type { Effect, Plan } from '../effects.ts';
import { ownFailedCondition } from '../facts.ts';
import type { CanaryStatus, Ending } from '../run.ts';
import { heardBy, heardIdle, promotedByCommand, type Verb } from './commands.ts';
import { begunByChange } from './fix.ts';
import { holdMarked, staleMarksRemoved } from './holds.ts';
import { holdIntact } from './invariants.ts';
import { begun, initialStatus, newRun } from './lifecycle.ts';
import { endedByLoss, lossExplained, toldLoss } from './lost.ts';
import type { Move, RunContext } from './move.ts';
import { detected } from './redirect.ts';
import { hasRemains, withdrawalOfRemains } from './remains.ts';
import { settle } from './settle.ts';
import { failureShown, otherReplicaSetsDeleted, revertReleased } from './withdraw.ts';

// No run is under way. A hold starts one, unless its template is the primary's own or has failed before.

/** What to do while nothing runs: a plan, or the run to begin with. */
export type IdleDecision =
  | { kind: 'plan'; plan: Plan }
  | { kind: 'begin'; context: RunContext; opening: Effect[] };

const unchanged = (status: CanaryStatus): Plan => ({
  status,
  effects: [],
  requeueAfterMs: undefined,
  reason: status.reason,
});

/** What it says while nothing is held: no canary is promised to a Deployment that is opted out. */
const idleWords = ({ snapshot, facts, now }: RunContext, before: CanaryStatus): Move => {
  const first = initialStatus(facts, now);
  if (!snapshot.optedIn && before.reason === first.reason)
    return {
      reason: 'OptedOut',
      message: 'opted out: a change of the pod template goes out without a canary',
    };
  const { reason, message } = snapshot.optedIn && before.reason === 'OptedOut' ? first : before;
  return { reason, message };
};

const released = (context: RunContext, before: CanaryStatus): Plan => {
  const { status, facts } = context;
  if (status.phase === 'Failed' && facts.templateRevision === status.failedRevision) {
    // It serves from now on: should it be applied again one day, that is no repetition of a failure.
    const { failedRevision: _, ...forgiven } = status;
    const message = 'the failed template was released without a canary';
    const move: Move = { status: { phase: 'Initialized' }, reason: 'Released', message };
    return settle({ ...context, status: forgiven }, before, move);
  }
  if (status.phase === 'Failed') {
    const message = 'the failed template was taken back; the primary serves';
    const move = { reason: 'RevertedToPrimary', message };
    return settle(context, before, { status: { phase: 'Initialized' }, ...move });
  }
  const { revision, replicaSet } = before.primary ?? {};
  const runs = facts.primaryReplicaSet?.metadata.name;
  const isKnown = revision === facts.primaryRevision && replicaSet === runs;
  const move = idleWords(context, before);
  return isKnown && move.reason === before.reason ? unchanged(before) : settle(context, before, move);
};

/** Out of Kanari's hands: what it has paused stays so, and nobody but a person ends that. */
const leftHeld = (context: RunContext, before: CanaryStatus): Plan => {
  const { name } = context.facts.deployment.metadata;
  const message = `opted out; the failed template stays paused, and kubectl rollout resume deployment/${name} releases it`;
  return before.reason === 'OptedOut'
    ? unchanged(before)
    : settle(context, before, { reason: 'OptedOut', message });
};

/** These hold until a look shows that they are over. */
const PASSING = ['HoldBroken', 'PrimaryLost', 'OptedOut'];

const failedBefore = (context: RunContext, before: CanaryStatus): Plan => {
  const { facts, status, snapshot } = context;
  if (!snapshot.optedIn) return leftHeld(context, before);
  const name = facts.deployment.metadata.name;
  const shown = failureShown(context);
  if (status.phase === 'Failed' && !PASSING.includes(status.reason)) {
    return shown === undefined
      ? unchanged(before)
      : settle(context, before, { ...shown, reason: status.reason, message: status.message });
  }
  const message = `revision ${facts.templateRevision} failed before and stays held; to try it again: kubectl annotate canary ${name} kanari.dev/command=retry`;
  const move: Move = { status: { phase: 'Failed' }, reason: 'FailedBefore', message };
  return settle(context, before, {
    ...move,
    effects:
      ownFailedCondition(facts.deployment) === undefined
        ? [{ kind: 'setFailedCondition', message: `revision ${facts.templateRevision} failed before` }]
        : [],
  });
};

/** Held at zero replicas: the run ended or never began, and scaling up must bring up the primary, then the canary. */
const atZero = (context: RunContext, before: CanaryStatus): Plan => {
  const deleting = otherReplicaSetsDeleted(context);
  const message = 'scaled to zero while held: the canary starts when the Deployment is scaled up again';
  return settle(context, before, { ...deleting, reason: 'ScaledToZero', message });
};

/** A run that only puts back what served. */
const restoring = (context: RunContext, loss: Ending, consume: Effect[]): IdleDecision => {
  const run = { ...newRun(context.facts, context.now), ending: loss };
  const status: CanaryStatus = { ...context.status, phase: 'Finalising', run };
  return { kind: 'begin', context: { ...context, status, run }, opening: [...consume, toldLoss(loss)] };
};

/** What a person has said about a template that failed. */
interface Told {
  verb?: Verb | undefined;
  effects: Effect[];
}

/** The run of the held template; of one that has failed only because a person says so. */
const beginning = (context: RunContext, told: Told): IdleDecision => {
  const { facts, status, now, snapshot } = context;
  // A retry is no change of anybody's: what has failed is not taken for a fix.
  const fresh = told.verb === undefined ? begunByChange(newRun(facts, now), context) : newRun(facts, now);
  const run = heardBy(fresh, snapshot);
  const first: RunContext = { ...context, status: begun(status, run, now), run };
  const opening = [...told.effects, detected(facts, run)];
  if (told.verb !== 'promote') return { kind: 'begin', context: first, opening };
  const stale: Effect[] =
    ownFailedCondition(facts.deployment) === undefined ? [] : [{ kind: 'clearFailedCondition' }];
  return { kind: 'begin', context: promotedByCommand(first), opening: [...opening, ...stale] };
};

export const decideIdle = (context: RunContext, before: CanaryStatus): IdleDecision => {
  const { facts, status, snapshot } = context;
  const failed = status.failedRevision === facts.templateRevision;
  const told = heardIdle(context, facts.held && failed ? ['retry', 'promote'] : []);
  const consume = told.effects;
  const only = (plan: Plan): IdleDecision => ({
    kind: 'plan',
    plan: { ...plan, effects: [...consume, ...plan.effects] },
  });
  if (hasRemains(snapshot)) return { kind: 'begin', ...withdrawalOfRemains(context) };
  if (!facts.held) {
    const plan = released(context, before);
    return only({ ...plan, effects: [...staleMarksRemoved(context), ...plan.effects] });
  }
  const revert = facts.reverted ? revertReleased(context) : undefined;
  if (revert !== undefined)
    return only(settle(context, before, { ...revert, reason: status.reason, message: status.message }));
  const marking = holdMarked(context);
  if (marking !== undefined) {
    const { reason, message } = status;
    return { kind: 'plan', plan: settle(context, before, { ...marking, reason, message }) };
  }
  const loss = endedByLoss(context);
  if (loss !== undefined) return restoring(context, loss, consume);
  const broken = lossExplained(context) ?? holdIntact(context);
  if (broken !== undefined) return only(settle(context, before, broken));
  if (failed && told.verb === undefined) return only(failedBefore(context, before));
  if (facts.replicas === 0) return only(atZero(context, before));
  return beginning(context, told);
};
