import { aimsOf } from '../aims.ts';
import type { Evidence } from '../counts.ts';
import { counted } from '../figures.ts';
import type { MetricCheck, Run } from '../run.ts';
import { ending, event, type Move, percent, type RunContext, without } from './move.ts';
import { letThrough } from './passage.ts';
import { targetAim } from './prepare.ts';

// A passed check brings the run forward.

/** A check that lets the run go forward. */
export interface Passed {
  reason: string;
  message: string;
  checks: MetricCheck[];
  evidence?: Evidence;
}

/** One more check has passed at a share that needs several. */
const iterated = (context: RunContext, passed: Passed, iterations: number): Move => {
  const { snapshot, run, now, facts } = context;
  const { reason, message, checks } = passed;
  const words = `Advance ${facts.deployment.metadata.name} canary iteration ${iterations}/${targetAim(context).checks}`;
  return {
    status: { iterations, phase: 'Progressing', checks },
    run: { ...run, stepSince: now.toISOString() },
    effects: [event(words)],
    reason,
    message,
    requeueAfterMs: snapshot.operator.lookIntervalMs,
  };
};

const nextStep = ({ status, run }: RunContext, { reason, message, checks }: Passed): Move => ({
  status: { step: status.step + 1, iterations: 0, phase: 'Progressing', checks },
  run: without(run, 'stepSince', 'passedAt'),
  reason,
  message,
  requeueAfterMs: 0,
});

const promoted = (context: RunContext, { message, checks }: Passed): Move => {
  const { status, run } = context;
  const aim = targetAim(context);
  const byWeight = aim.share.weight > 0;
  const at = byWeight ? `at ${percent(status.canaryWeight)}` : `after ${counted(aim.checks, 'check')}`;
  const words = `promoted ${at}: ${message}`;
  const decided = ending(context, { outcome: 'Promoted', reason: 'StepsCompleted', message: words });
  return {
    status: { phase: 'Promoting', checks, ...(byWeight ? {} : { iterations: aim.checks }) },
    run: { ...without(run, 'stepSince', 'passedAt'), ending: decided },
    reason: 'Promoting',
    message,
    requeueAfterMs: 0,
  };
};

const isLastStep = ({ snapshot, status }: RunContext): boolean =>
  status.step >= aimsOf(snapshot.settings).length - 1;

/** A move while something keeps the run from what comes after this step. */
export const keptBack = (context: RunContext): Move | undefined => {
  if (isLastStep(context)) return letThrough('promotion')(context);
  const { status } = context;
  return letThrough('traffic')({ ...context, status: { ...status, step: status.step + 1, iterations: 0 } });
};

/** To the next step, or the promotion. */
export const goneOn = (context: RunContext, passed: Passed): Move =>
  isLastStep(context) ? promoted(context, passed) : nextStep(context, passed);

/** To the next check, the next step, or the promotion; held back there, the step is judged on meanwhile. */
export const advance = (given: RunContext, passed: Passed): Move => {
  const { evidence, checks } = passed;
  const run: Run = { ...given.run, ...(evidence === undefined ? {} : { evidence }) };
  const context = { ...given, run };
  const aim = targetAim(context);
  const iterations = context.status.iterations + 1;
  if (iterations < aim.checks) return iterated(context, passed, iterations);
  const kept = keptBack(context);
  if (kept === undefined) return goneOn(context, passed);
  const at = context.now.toISOString();
  return {
    ...kept,
    status: { ...kept.status, checks, ...(aim.checks > 1 ? { iterations: aim.checks } : {}) },
    run: { ...(kept.run ?? run), ...(kept.run?.ending === undefined ? { stepSince: at, passedAt: at } : {}) },
  };
};
