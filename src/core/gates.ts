import { failedCondition, isOwnCondition, type UngatedReason } from './conditions.ts';
import { type DeploymentChange, isPaused } from './deployment-change.ts';
import type { Deployment, PodTemplate } from './objects.ts';
import { sameTemplate } from './revision.ts';

// What becomes of an UPDATE: small checks in an order that matters, the first that has an answer decides. A template
// that would start to run is held, let through with a reason, or denied; it never just slips in.

export type Ruling =
  /** Pause at a new run of the requested template. */
  | { kind: 'hold'; reason: 'NewRevision' | 'Resumed' | 'Superseded' }
  /** Stay paused at the template that serves: the scheduler releases it without a restart. */
  | { kind: 'revert'; reason: 'RevertedToPrimary' }
  /** Stay paused at the run there is. */
  | { kind: 'keepHold'; reason: 'Held' }
  /** Released natively, without a canary. */
  | { kind: 'through'; reason: UngatedReason }
  /** A person's pause. */
  | { kind: 'userPause'; reason: 'UserPaused' }
  | { kind: 'allow'; reason: 'Unchanged' }
  | { kind: 'deny'; reason: 'Busy' };

export type Gate = (change: DeploymentChange) => Ruling | undefined;

/** Whether the request would make the Deployment controller run a template that it does not run yet. */
const releases = (change: DeploymentChange): boolean => {
  if (change.held) return change.templateChanged;
  if (change.pauseRequested) return false;
  // What a pause of a person's let gather runs from its end on.
  return isPaused(change.before) ? change.primary !== change.revision : change.templateChanged;
};

const through = (reason: UngatedReason): Ruling => ({ kind: 'through', reason });

const revertedToPrimary: Gate = ({ held, primary, revision }) =>
  held && primary === revision ? { kind: 'revert', reason: 'RevertedToPrimary' } : undefined;

const skipped: Gate = (change) =>
  change.skipRequested && (change.held || change.templateChanged || releases(change))
    ? through('Skipped')
    : undefined;

/** Out of Kanari's hands together with a change: that goes out, and is told for the last time. */
const optedOut: Gate = (change) =>
  change.optsOut !== undefined && releases(change) ? through(change.optsOut) : undefined;

const scaledToZero: Gate = (change) =>
  releases(change) && [change.before, change.after].some(({ spec }) => spec.replicas === 0)
    ? through('ScaledToZero')
    : undefined;

const recreateStrategy: Gate = (change) =>
  releases(change) && [change.before, change.after].some(({ spec }) => spec.strategy?.type === 'Recreate')
    ? through('RecreateStrategy')
    : undefined;

const noHistory: Gate = (change) =>
  releases(change) && !change.held && change.after.spec.revisionHistoryLimit === 0
    ? through('NoHistory')
    : undefined;

const primaryDown: Gate = (change) =>
  releases(change) && (nothingAvailable(change) || missedDeadline(change))
    ? through('PrimaryDown')
    : undefined;

const nothingAvailable = ({ before }: DeploymentChange): boolean =>
  (before.status?.availableReplicas ?? 0) === 0;

const missedDeadline = ({ before }: DeploymentChange): boolean => {
  const failed = failedCondition(before);
  if (failed === undefined || isOwnCondition(failed)) return false;
  return before.status?.observedGeneration === before.metadata.generation;
};

const superseded: Gate = ({ held, templateChanged }) =>
  held && templateChanged ? { kind: 'hold', reason: 'Superseded' } : undefined;

const stillHeld: Gate = ({ held }) => (held ? { kind: 'keepHold', reason: 'Held' } : undefined);

const pausedByUser: Gate = ({ pauseRequested, templateChanged, before }) =>
  pauseRequested && (templateChanged || !isPaused(before))
    ? { kind: 'userPause', reason: 'UserPaused' }
    : undefined;

/** There is no one version to compare with, and waiting would not bring it about. */
const mixedVersions: Gate = (change) =>
  change.mixture === 'standing' && releases(change) ? through('MixedVersions') : undefined;

const resumedUnrun: Gate = (change) =>
  isPaused(change.before) && releases(change) ? { kind: 'hold', reason: 'Resumed' } : undefined;

/** The rest of what starts nothing, a template changed back before its resume included. */
const unchanged: Gate = (change) => (releases(change) ? undefined : { kind: 'allow', reason: 'Unchanged' });

const restartOnly: Gate = ({ before, after, settings, injection }) =>
  !settings.canaryRestarts &&
  restartedAt(before) !== restartedAt(after) &&
  sameTemplate(withoutRestart(before.spec.template), withoutRestart(after.spec.template), injection)
    ? through('RestartOnly')
    : undefined;

const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

const restartedAt = ({ spec }: Deployment): string | undefined =>
  spec.template.metadata?.annotations?.[RESTARTED_AT];

const withoutRestart = (template: PodTemplate): PodTemplate => {
  const annotations = Object.entries(template.metadata?.annotations ?? {});
  const others = Object.fromEntries(annotations.filter(([name]) => name !== RESTARTED_AT));
  return { ...template, metadata: { ...template.metadata, annotations: others } };
};

// A hold would freeze a mixture of two versions. The counts tell, or the ReplicaSets where the counts are late; not the
// generation: annotating or scaling makes it lag as well.
const midRollout: Gate = ({ before, settings, mixture }) => {
  const { updatedReplicas = 0, replicas = 0 } = before.status ?? {};
  if (updatedReplicas >= replicas && mixture !== 'moving') return undefined;
  return settings.onBusy === 'allow' ? through('Busy') : { kind: 'deny', reason: 'Busy' };
};

export const GATES: readonly Gate[] = [
  revertedToPrimary,
  skipped,
  optedOut,
  scaledToZero,
  recreateStrategy,
  noHistory,
  primaryDown,
  superseded,
  stillHeld,
  pausedByUser,
  mixedVersions,
  resumedUnrun,
  unchanged,
  restartOnly,
  midRollout,
];

/** The first answer; a changed template that no gate speaks for is held. */
export const rule = (change: DeploymentChange): Ruling => {
  for (const gate of GATES) {
    const ruling = gate(change);
    if (ruling !== undefined) return ruling;
  }
  return { kind: 'hold', reason: 'NewRevision' };
};
