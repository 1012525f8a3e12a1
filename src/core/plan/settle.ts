import type { Effect, Plan } from '../effects.ts';
import type { CanaryStatus } from '../run.ts';
import { conditionsOf, ended } from './lifecycle.ts';
import { event, type Move, type RunContext, stamp } from './move.ts';
import { outlookOf } from './outlook.ts';

// From a move to the plan: the status as it is written, and the events people read.

const sides = ({ snapshot, facts, status }: RunContext): Pick<CanaryStatus, 'primary' | 'canary'> => {
  const canary = snapshot.canaryDeployment;
  const ready = facts.primaryReplicaSet?.status?.readyReplicas ?? 0;
  // That of a lost primary stays until it is restored: by it the loss is known.
  const replicaSet = facts.primaryLost ? status.primary?.replicaSet : facts.primaryReplicaSet?.metadata.name;
  return {
    primary: {
      revision: facts.primaryRevision,
      ...(replicaSet === undefined ? {} : { replicaSet }),
      replicas: facts.replicas,
      ready,
    },
    ...(canary === undefined
      ? {}
      : { canary: { replicas: canary.spec.replicas ?? 0, ready: canary.status?.readyReplicas ?? 0 } }),
  };
};

/** The transition time moves with what people watch for. */
const WATCHED: readonly (keyof CanaryStatus)[] = ['phase', 'canaryWeight', 'step', 'reason'];

export const settle = (context: RunContext, before: CanaryStatus | undefined, move: Move): Plan => {
  const { canary: _, ...status } = context.status;
  const run = move.run ?? (status.run === undefined ? undefined : context.run);
  const next: CanaryStatus = {
    ...status,
    ...sides(context),
    ...move.status,
    ...(run === undefined ? {} : { run }),
    reason: move.reason,
    message: move.message,
  };
  const { outlook: _known, ...lasting } = next;
  const outlook = outlookOf(context.snapshot, next, context.now);
  const moved = before === undefined || WATCHED.some((field) => before[field] !== next[field]);
  const stamped: CanaryStatus = {
    ...lasting,
    ...(outlook === undefined ? {} : { outlook }),
    ...(moved ? { lastTransitionTime: stamp(context.now) } : {}),
  };
  return {
    status: { ...stamped, conditions: conditionsOf(stamped, context.now) },
    effects: move.effects ?? [],
    requeueAfterMs: move.requeueAfterMs,
    reason: move.reason,
  };
};

const closingEvent = ({ run, facts }: RunContext): Effect => {
  const name = facts.deployment.metadata.name;
  const outcome = run.ending?.outcome;
  const message = run.ending?.message ?? '';
  if (outcome === 'Promoted') return event(`Promotion completed! ${name} runs ${run.images.join(', ')}`);
  if (outcome === 'RolledBack' || outcome === 'Aborted') {
    return event(`Canary failed! ${name} stays on the primary: ${message}`, 'Warning');
  }
  return event(`Run of ${name} ended: ${message}`);
};

/** Everything is promoted or withdrawn: the run becomes history. */
export const finish = (context: RunContext, before: CanaryStatus | undefined): Plan => {
  const status = ended(context.status, context.run, context.now);
  const done: RunContext = { ...context, status, run: status.run ?? context.run };
  return settle(done, before, {
    reason: context.run.ending?.reason ?? 'Finalised',
    message: context.run.ending?.message ?? '',
    effects: [closingEvent(context)],
    requeueAfterMs: 0,
  });
};

/** The decision to roll back is told once, by the move that takes it. */
export const withRollbackEvent = (context: RunContext, move: Move): Move => {
  const decided = move.run?.ending;
  if (decided === undefined || context.run.ending !== undefined || decided.outcome === 'Promoted')
    return move;
  const message = `Rolling back ${context.facts.deployment.metadata.name} ${decided.message}`;
  return { ...move, effects: [...(move.effects ?? []), event(message, 'Warning')] };
};
