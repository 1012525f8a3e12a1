import { canaryRevisionOf } from '../facts.ts';
import { type GatePlace, shutGate } from '../gate-place.ts';
import { sendsRequests } from '../share.ts';
import { commandLine } from './commands.ts';
import { gateOpen } from './gate.ts';
import {
  elapsedMs,
  type Move,
  percent,
  propagationWaitOf,
  type RunContext,
  type Stage,
  steersTraffic,
} from './move.ts';
import { targetShare } from './prepare.ts';
import { canaryMayBeReached } from './take-over.ts';

// What keeps a run from going on although all is ready for it: a person's pause, or a gate.

/** A person's pause, while it lasts. */
export const paused: Stage = (context) => {
  const { run, status, snapshot } = context;
  if (run.pausedAt === undefined) return undefined;
  return {
    status: { phase: 'Paused' },
    reason: 'PausedByCommand',
    message: `paused by command at ${percent(status.canaryWeight)}; to go on: ${commandLine(context, 'resume')}`,
    requeueAfterMs: snapshot.operator.lookIntervalMs,
  };
};

/** A move while the run may not go on to what the place leads to. */
export const letThrough =
  (place: GatePlace): Stage =>
  (context) =>
    paused(context) ?? gateOpen(place)(context);

/**
 * Pods of an overtaken run have no share any more, and go while this one waits at its gate: where no route keeps requests
 * away from them, at once; else when proxies have had the time to learn it.
 */
const leftoverDeleted = (context: RunContext, move: Move): Move => {
  const { snapshot, run, now } = context;
  const leftover = snapshot.canaryDeployment;
  if (leftover === undefined || leftover.metadata.deletionTimestamp !== undefined) return move;
  if (canaryRevisionOf(leftover) === run.revision || canaryMayBeReached(context)) return move;
  // The run has come to the gate only after the share was gone from every route.
  const since = shutGate(move.run?.gates)?.since ?? now.toISOString();
  const left = propagationWaitOf(context) - elapsedMs(since, now);
  if (left > 0) return { ...move, requeueAfterMs: Math.min(left, move.requeueAfterMs ?? left) };
  const { name, uid = '' } = leftover.metadata;
  return { ...move, effects: [...(move.effects ?? []), { kind: 'deleteCanary', name, uid }] };
};

/** Before anything is done to routes, or to pods of the canary. */
export const startLetThrough: Stage = (context) => {
  if (context.status.step >= 0) return undefined;
  const kept = letThrough('start')(context);
  return kept && leftoverDeleted(context, kept);
};

const firstShareLetThrough: Stage = (context) => {
  const first = context.status.step <= 0 && context.run.evidence === undefined;
  if (!first || !sendsRequests(targetShare(context))) return undefined;
  return letThrough('traffic')(context);
};

/** Without routes the canary has its share as soon as it has pods. */
export const firstPodsLetThrough: Stage = (context) => {
  if (steersTraffic(context)) return undefined;
  const kept = firstShareLetThrough(context);
  return kept && leftoverDeleted(context, kept);
};

/** Before the first share, with all pods ready for it. Those that follow wait in `advance`, at the share before. */
export const firstRequestsLetThrough: Stage = (context) =>
  steersTraffic(context) ? firstShareLetThrough(context) : undefined;
