import type { CheckResult } from '../check.ts';
import { UNDECIDED } from '../check-reasons.ts';
import type { MetricsOutage } from '../run.ts';
import { judgesRequests } from '../without-routes.ts';
import { advance } from './advance.ts';
import { serversAway } from './custom-checks.ts';
import { isKeptBack } from './kept-back.ts';
import { elapsedMs, ending, type Move, type RunContext, without } from './move.ts';

// A check that has no verdict holds the weight. How long, is a matter of who is to blame: a server that can't be asked
// holds it until it can, and evidence that does not come although it was asked for follows `on-no-data`.

const isAway = (context: RunContext): boolean => {
  const { settings, evidence } = context.snapshot;
  return (judgesRequests(settings) && evidence.kind === 'unavailable') || serversAway(context);
};

const outageOf = ({ run }: RunContext): MetricsOutage | undefined =>
  run.metricsOutage?.step === run.stepSince ? run.metricsOutage : undefined;

/** Beginnings and ends of outages are kept in the run, so that a restart changes nothing about the time they took. */
export const withOutage = (context: RunContext): RunContext => {
  const { run, now } = context;
  const known = outageOf(context);
  const at = now.toISOString();
  const keeping = (metricsOutage: MetricsOutage): RunContext => ({
    ...context,
    run: { ...run, metricsOutage },
  });
  if (run.stepSince === undefined || known === undefined) {
    const forgotten = { ...context, run: without(run, 'metricsOutage') };
    if (run.stepSince === undefined || !isAway(context)) return forgotten;
    return keeping({ step: run.stepSince, since: at, lostMs: 0 });
  }
  const { since, ...over } = known;
  if (isAway(context)) return since === undefined ? keeping({ ...known, since: at }) : context;
  if (since === undefined) return context;
  return keeping({ ...over, lostMs: known.lostMs + elapsedMs(since, now), overAt: at });
};

/**
 * The time in which evidence could be asked for adds up, however often the server goes and comes. Whenever it comes back
 * there is an interval to gather what it has missed; one that never stays so long has twice the deadline.
 */
const isOverdue = (context: RunContext): boolean => {
  const { run, now, snapshot } = context;
  const { intervalMs, progressDeadlineMs } = snapshot.settings;
  const { lostMs = 0, overAt } = outageOf(context) ?? {};
  const asked = elapsedMs(run.stepSince ?? now.toISOString(), now) - lostMs;
  const settled = overAt === undefined || elapsedMs(overAt, now) >= intervalMs;
  return asked >= (settled ? progressDeadlineMs : 2 * progressDeadlineMs);
};

type Inconclusive = Pick<CheckResult, 'reason' | 'message' | 'checks'>;

const held = ({ snapshot }: RunContext, { reason, message, checks }: Inconclusive): Move => ({
  status: { checks, phase: 'Progressing' },
  reason,
  message: `${message}; the weight is held`,
  requeueAfterMs: snapshot.operator.lookIntervalMs,
});

const paused = ({ snapshot }: RunContext, { reason, message, checks }: Inconclusive): Move => ({
  status: { checks, phase: 'Paused' },
  reason,
  message: `${message}; the weight is held and the run goes on by itself when there is evidence`,
  requeueAfterMs: snapshot.operator.lookIntervalMs,
});

/** What becomes of a check without a verdict. */
export const withoutEvidence = (context: RunContext, check: Inconclusive): Move => {
  const { snapshot, run, now } = context;
  const { onNoData, progressDeadlineMs } = snapshot.settings;
  // Nothing waits for evidence: a person, or a webhook, brings the run on.
  if (isKeptBack(context)) return held(context, check);
  if (isAway(context)) {
    const late = elapsedMs(run.stepSince ?? now.toISOString(), now) >= progressDeadlineMs;
    return late ? paused(context, check) : held(context, check);
  }
  if (!isOverdue(context)) return held(context, check);
  const undecided = check.reason === UNDECIDED;
  // There is evidence where it is undecided, and it is not for the canary.
  if (onNoData === 'pause' || (onNoData === 'promote' && undecided)) return paused(context, check);
  if (onNoData === 'promote') return advance(context, check);
  const message = `${undecided ? 'undecided' : 'no evidence'} within the progress deadline: ${check.message}`;
  const decided = ending(context, { outcome: 'RolledBack', reason: check.reason, message });
  return {
    status: { checks: check.checks },
    run: { ...run, ending: decided },
    reason: check.reason,
    message,
    requeueAfterMs: 0,
  };
};
