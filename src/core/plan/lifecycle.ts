import { mergeCondition } from '../conditions.ts';
import type { Facts } from '../facts.ts';
import type { Condition, Deployment } from '../objects.ts';
import type { CanaryStatus, HistoryEntry, Outcome, Phase, Run } from '../run.ts';
import { stamp, without } from './move.ts';

// The Canary's status from one run to the next.

const HISTORY_LENGTH = 10;

export const imagesOf = (deployment: Deployment): string[] =>
  (deployment.spec.template.spec.containers ?? []).map((container) => container.image ?? '');

export const initialStatus = (facts: Facts, now: Date): CanaryStatus => ({
  phase: 'Initialized',
  canaryWeight: 0,
  step: -1,
  iterations: 0,
  failedChecks: 0,
  checks: [],
  lastTransitionTime: stamp(now),
  reason: 'Initialized',
  message: 'the next change of the pod template becomes a canary',
  primary: {
    revision: facts.primaryRevision,
    replicas: facts.replicas,
    ready: facts.deployment.status?.readyReplicas ?? 0,
  },
  history: [],
  conditions: [],
});

const secondOf = (now: Date): string => Math.floor(now.getTime() / 1_000).toString(36);

export const newRun = (facts: Facts, now: Date): Run => ({
  id: `${facts.templateRevision}-${facts.deployment.metadata.generation ?? 0}-${secondOf(now)}`,
  revision: facts.templateRevision,
  primaryRevision: facts.primaryRevision,
  images: imagesOf(facts.deployment),
  startedAt: stamp(now),
  milestones: {},
});

export const isActive = (run: Run | undefined): run is Run => run !== undefined && run.endedAt === undefined;

const entryOf = (run: Run, outcome: Outcome, reason: string, now: Date): HistoryEntry => ({
  revision: run.revision,
  images: run.images,
  started: run.startedAt,
  ended: stamp(now),
  outcome,
  reason,
});

const remembered = (status: CanaryStatus, entry: HistoryEntry): HistoryEntry[] =>
  [entry, ...status.history].slice(0, HISTORY_LENGTH);

/** The status with which a run begins; a run under way becomes history as superseded. */
export const begun = (status: CanaryStatus, run: Run, now: Date): CanaryStatus => {
  const { failedRevision: _, ...rest } = status;
  const superseded = isActive(status.run) ? status.run : undefined;
  return {
    ...rest,
    phase: 'Progressing',
    // Of a superseded run the routes may still say otherwise: the split at 0 is the first thing to stand again.
    canaryWeight: 0,
    step: -1,
    iterations: 0,
    failedChecks: 0,
    checks: [],
    run,
    history:
      superseded === undefined
        ? status.history
        : remembered(status, entryOf(superseded, 'Superseded', `superseded by ${run.revision}`, now)),
  };
};

const PHASE_AT_END: Record<Outcome, Phase> = {
  Promoted: 'Succeeded',
  RolledBack: 'Failed',
  Aborted: 'Failed',
  Superseded: 'Initialized',
  Reverted: 'Initialized',
  Skipped: 'Initialized',
};

/** The phase that the run will leave behind. */
export const phaseAtEnd = ({ ending }: Run): Phase => PHASE_AT_END[ending?.outcome ?? 'Aborted'];

/** The status with which a run ends, everything withdrawn or promoted. */
export const ended = (status: CanaryStatus, run: Run, now: Date): CanaryStatus => {
  const outcome = run.ending?.outcome ?? 'Aborted';
  const reason = run.ending?.reason ?? 'Aborted';
  const failed = outcome === 'RolledBack' || (outcome === 'Aborted' && reason === 'Aborted');
  return {
    ...status,
    phase: phaseAtEnd(run),
    canaryWeight: 0,
    step: -1,
    run: { ...without(run, 'heard'), endedAt: stamp(now) },
    ...(failed ? { failedRevision: run.revision } : {}),
    history: remembered(status, entryOf(run, outcome, reason, now)),
  };
};

/** Flagger's `Promoted` and kstatus' `Ready`, `Reconciling`, `Stalled`, derived from the phase. */
export const conditionsOf = (status: CanaryStatus, now: Date): Condition[] => {
  const { phase, reason, message } = status;
  const failed = phase === 'Failed';
  const settled = phase === 'Initialized' || phase === 'Succeeded' || failed;
  const stalled = failed || phase === 'Paused' || reason === 'PromotionStalled';
  const promoted = phase === 'Succeeded' ? 'True' : failed ? 'False' : settled ? undefined : 'Unknown';
  const next: Condition[] = [
    ...(promoted === undefined
      ? []
      : [{ type: 'Promoted', status: promoted, reason: phase, message } as const]),
    { type: 'Ready', status: settled && !failed ? 'True' : 'False', reason, message },
    { type: 'Reconciling', status: settled ? 'False' : 'True', reason, message },
    { type: 'Stalled', status: stalled ? 'True' : 'False', reason, message },
  ];
  return next.reduce((merged, condition) => mergeCondition(merged, condition, stamp(now)), status.conditions);
};
