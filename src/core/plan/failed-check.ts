import type { MetricCheck } from '../run.ts';
import type { Snapshot } from '../snapshot.ts';
import { ending, event, type Move, type RunContext, type Stage } from './move.ts';

// Too many failed checks: the run is rolled back, or frozen for people to look at.

export const freezes = ({ settings }: Snapshot): boolean => settings.onFailure === 'freeze';

/** @param checks the last check, where one was made */
export const thresholdReached = (
  context: RunContext,
  failedChecks: number,
  message: string,
  checks: MetricCheck[] = context.status.checks,
): Move => {
  const { run, facts } = context;
  const { name } = facts.deployment.metadata;
  const reason = 'ThresholdReached';
  const words = `failed checks threshold reached ${failedChecks}: ${message}`;
  if (freezes(context.snapshot)) {
    return {
      status: { failedChecks, checks, phase: 'Paused' },
      run,
      effects: [event(`Halt ${name} advancement ${words}`, 'Warning')],
      reason: 'Frozen',
      message: `${words}; frozen at this weight, to end it: kubectl annotate canary ${name} kanari.dev/command=abort (or promote)`,
    };
  }
  const decided = ending(context, { outcome: 'RolledBack', reason, message: words });
  return {
    status: { failedChecks, checks },
    run: { ...run, ending: decided },
    reason,
    message: words,
    requeueAfterMs: 0,
  };
};

/** Left to people, who look at it as it is. */
export const isFrozen = ({ snapshot, status }: RunContext): boolean =>
  freezes(snapshot) && status.failedChecks >= snapshot.settings.threshold;

/** `on-failure: freeze`: canary and weight stay for people to look at, and only people end the run. */
export const frozen: Stage = (context) => {
  if (!isFrozen(context)) return undefined;
  const { status } = context;
  const told = status.reason === 'Frozen' ? status.message : 'failed checks threshold reached; frozen';
  return { status: { phase: 'Paused' }, reason: 'Frozen', message: told };
};
