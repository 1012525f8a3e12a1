import { aimsOf } from '../aims.ts';
import { counted } from '../figures.ts';
import type { Evidence, MetricCheck, Run } from '../run.ts';
import { ending, event, type Move, percent, type RunContext, without } from './move.ts';
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

/** To the next check, the next step, or the promotion. */
export const advance = (context: RunContext, passed: Passed): Move => {
  const { snapshot, status } = context;
  const { reason, message, checks, evidence } = passed;
  const aim = targetAim(context);
  const run: Run = { ...context.run, ...(evidence === undefined ? {} : { evidence }) };
  const iterations = status.iterations + 1;
  if (iterations < aim.checks) return iterated({ ...context, run }, passed, iterations);
  const judged: Run = without(run, 'stepSince');
  if (status.step < aimsOf(snapshot.settings).length - 1) {
    const next = { step: status.step + 1, iterations: 0, phase: 'Progressing', checks } as const;
    return { status: next, run: judged, reason, message, requeueAfterMs: 0 };
  }
  const byWeight = aim.share.weight > 0;
  const at = byWeight ? `at ${percent(status.canaryWeight)}` : `after ${counted(iterations, 'check')}`;
  const promoted = `promoted ${at}: ${message}`;
  const decided = ending(context, { outcome: 'Promoted', reason: 'StepsCompleted', message: promoted });
  return {
    status: { phase: 'Promoting', checks, ...(byWeight ? {} : { iterations }) },
    run: { ...judged, ending: decided },
    reason: 'Promoting',
    message,
    requeueAfterMs: 0,
  };
};
