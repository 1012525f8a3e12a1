import * as reasons from '../check-reasons.ts';
import { goneOn, keptBack } from './advance.ts';
import type { Move, RunContext, Stage } from './move.ts';
import { paused } from './passage.ts';

// A step that the run may not leave yet is judged on: it may still fail, and what passed goes on once it may.

/** The step has passed, and nothing has happened since that says otherwise. */
export const hasPassed = ({ run }: RunContext): boolean =>
  run.passedAt !== undefined && run.passedAt === run.stepSince;

/** Nothing but a person, or a webhook, brings it on: it has shown what it was asked for, or is not asked to. */
export const isKeptBack = (context: RunContext): boolean =>
  hasPassed(context) || context.run.pausedAt !== undefined;

/** The check counts, for or against the canary; else it only waits. */
const counts = ({ run }: RunContext, check: Move): boolean =>
  check.status?.failedChecks !== undefined ||
  check.run?.ending !== undefined ||
  (check.run !== undefined && check.run.stepSince !== run.stepSince);

/** Whatever the next check waits for, people are told what keeps the run. */
const behind = (kept: Move, check: Move): Move => ({
  ...kept,
  ...(kept.run === undefined && check.run !== undefined ? { run: check.run } : {}),
  effects: [...(check.effects ?? []), ...(kept.effects ?? [])],
  requeueAfterMs: Math.min(
    kept.requeueAfterMs ?? Number.POSITIVE_INFINITY,
    check.requeueAfterMs ?? Number.POSITIVE_INFINITY,
  ),
});

/** What a check comes to is told, and the phase still says that a person has paused the run. */
const stillPaused = (context: RunContext, check: Move): Move =>
  context.run.pausedAt === undefined || check.run?.ending !== undefined
    ? check
    : { ...check, status: { ...check.status, phase: 'Paused' } };

/** On with a step that has passed, by the checks that it passed with. */
const passedOn = (context: RunContext, check: Move): Move => {
  const { checks } = context.status;
  const message = checks.map((each) => each.message).join(', ');
  const next = goneOn(context, { reason: reasons.PASSED, message, checks });
  return { ...next, effects: [...(check.effects ?? []), ...(next.effects ?? [])] };
};

/** The stage that judges a step, while the run is kept at it too. */
export const judgedOn =
  (step: Stage): Stage =>
  (context) => {
    const check = step(context);
    if (check === undefined) return undefined;
    if (counts(context, check)) return stillPaused(context, check);
    const next = { ...context, run: check.run ?? context.run };
    if (!hasPassed(context)) {
      const kept = paused(next);
      return kept === undefined ? check : behind(kept, check);
    }
    const kept = keptBack(next);
    return kept === undefined ? passedOn(next, check) : behind(kept, check);
  };
