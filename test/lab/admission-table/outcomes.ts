import type { UngatedReason } from '../../../src/core/conditions.ts';

// What becomes of a request, in full: what is stored, what the client is told, what runs afterwards.

export interface Outcome {
  /** Kept: as it was stored before. */
  template: 'requested' | 'kept';
  paused: boolean | 'kept';
  /** Of a hold of the requested template, of a person's pause, of the requested template's release; as before; gone. */
  marks: 'hold' | 'pause' | 'release' | 'kept' | 'none';
  /** Kanari's, in full and in order. */
  warnings: (words: Words) => string[];
  /** kubectl fails and says so; whoever it was that refused. */
  refused?: RegExp;
  /** Pods of the requested template come up at once. Else those of the primary stay. */
  rollsOut?: true | undefined;
  /** Told in an Event and counted, by this reason. */
  ungated?: UngatedReason;
  /** As the stored template serves already, the scheduler releases it, and no pod restarts. */
  releasedLater?: true | undefined;
  /** Where that is not what was requested. */
  revisionHistoryLimit?: number;
}

export interface Words {
  /** What serves, as warnings call it. */
  primary: string;
}

const hold =
  (begins: string) =>
  ({ primary }: Words): string[] => [
    `canary of web ${begins} (50% for 30m); ${primary} keeps serving. Follow: kubectl get canary web -w`,
    'no metrics server is configured: web is judged by readiness and restarts only',
  ];

const held = (begins: string): Outcome => ({
  template: 'requested',
  paused: true,
  marks: 'hold',
  warnings: hold(begins),
});

const nothing: Outcome = { template: 'kept', paused: 'kept', marks: 'kept', warnings: () => [] };

const refused = (message: RegExp): Outcome => ({ ...nothing, refused: message });

const released = (ungated: UngatedReason, why: string): Outcome => ({
  template: 'requested',
  paused: false,
  marks: 'release',
  rollsOut: true,
  ungated,
  warnings: () => [`web is released without a canary: ${why}`],
});

const alsoSaying = (outcome: Outcome, line: string): Outcome => ({
  ...outcome,
  warnings: (words) => [...outcome.warnings(words), line],
});

const STALE_SKIP = 'kanari.dev/skip was there before and does not count now: change its value to skip again';
const IDLE_SKIP = 'kanari.dev/skip has nothing to skip in this change, and does not count for later ones';
const HISTORY_KEPT = 'revisionHistoryLimit of web stays 1 while it is held: at 0 the serving version is lost';

const NewRevision = held('started');
const Superseded = held('starts again with this template');
const RevertedToPrimary: Outcome = {
  template: 'requested',
  paused: false,
  marks: 'release',
  releasedLater: true,
  warnings: () => [
    'web is back at the version that serves: nothing restarts; a canary under way is withdrawn',
  ],
};
const Skipped = released('Skipped', 'kanari.dev/skip was set for this change');
const SkippedWhilePaused = released(
  'Skipped',
  'kanari.dev/skip was set for this change. It is paused by you, and goes out when you resume it',
);
const RestartOnly = released(
  'RestartOnly',
  'only the restart time changed. kanari.dev/canary-restarts: "true" makes it one',
);

const HOLDS = {
  NewRevision,
  NewRevisionDespiteSkip: alsoSaying(NewRevision, STALE_SKIP),
  Resumed: NewRevision,
  /** What serves is not known from the Deployment alone: the scheduler sees that it is this very template. */
  ResumedAtPrimary: { ...RevertedToPrimary, warnings: hold('started') },
  Superseded,
  SupersededKeepingHistory: { ...alsoSaying(Superseded, HISTORY_KEPT), revisionHistoryLimit: 1 },
  RevertedToPrimary,
  /** As admission leaves it for the scheduler. */
  StaysHeldAtPrimary: { ...RevertedToPrimary, paused: true, marks: 'hold', releasedLater: undefined },
  RevertedWithIdleSkip: alsoSaying(RevertedToPrimary, IDLE_SKIP),
  Kept: nothing,
  KeptKeepingHistory: { ...alsoSaying(nothing, HISTORY_KEPT), revisionHistoryLimit: 1 },
  KeptFromResuming: alsoSaying(
    nothing,
    'web stays held. Release it now: kubectl annotate canary web kanari.dev/command=promote; run a failed one again: the same with retry',
  ),
} as const satisfies Record<string, Outcome>;

const PAUSES = {
  UserPaused: { ...nothing, paused: true, marks: 'pause' },
  Gathered: {
    template: 'requested',
    paused: true,
    marks: 'pause',
    warnings: () => ['web is paused by you: what changed becomes a canary when you resume it'],
  },
  PauseEnded: { ...nothing, paused: false },
  BackAndPauseEnded: { ...nothing, paused: false, template: 'requested' },
} as const satisfies Record<string, Outcome>;

const RELEASES = {
  Skipped,
  SkippedWhilePaused: { ...SkippedWhilePaused, paused: true, rollsOut: undefined },
  ScaledToZero: released('ScaledToZero', 'it is, or was, scaled to zero: there is no traffic to compare'),
  RecreateStrategy: released(
    'RecreateStrategy',
    'its strategy is Recreate: two versions must not run side by side. Use RollingUpdate to have one',
  ),
  NoHistory: released(
    'NoHistory',
    'revisionHistoryLimit is 0: the serving version could not be kept. Set it to 1 or more to have one',
  ),
  PrimaryDown: released(
    'PrimaryDown',
    'nothing of what serves is available, or its rollout is stuck: a fix is never delayed',
  ),
  RestartOnly,
  RestartOnlyDespiteSkip: alsoSaying(RestartOnly, STALE_SKIP),
  BusyAllowed: released(
    'Busy',
    'a rolling update was under way and kanari.dev/on-busy is allow. Without that, the change would be refused until it is complete',
  ),
} as const;

/** Not by Kanari, but by kubectl, which then sends nothing. */
const REFUSALS_OF_KUBECTL = {
  AlreadyPaused: refused(/deployments\.apps "web" is already paused/),
  NotPaused: refused(/deployments\.apps "web" is not paused/),
  NoRestartOfPaused: refused(/can't restart paused deployment/),
  NoUndoOfPaused: refused(/cannot rollback a paused deployment/),
  NoHistoryToUndo: refused(/no rollout history found/),
} as const satisfies Record<string, Outcome>;

export const OUTCOMES = {
  ...HOLDS,
  ...PAUSES,
  ...RELEASES,
  ...REFUSALS_OF_KUBECTL,
  Unchanged: nothing,
  UnchangedWithIdleSkip: alsoSaying(nothing, IDLE_SKIP),
  RefusedAsBusy: refused(
    /kanari: web is in the middle of a rolling update \(1 of 2 pods updated\).*: retry in a moment/,
  ),
  /** Whose it is may change with the request: from now on Kanari's, with what serves noted down. */
  OptedIn: { ...nothing, marks: 'release' },
  LeftAlone: { ...nothing, template: 'requested', rollsOut: true },
  /** An undo replaces all annotations by those of the version that it brings back. */
  LeftAloneUndone: { ...nothing, template: 'requested', rollsOut: true, marks: 'none' },
  LeftAlonePaused: { ...nothing, paused: true },
} as const;

export type OutcomeName = keyof typeof OUTCOMES;

export const outcomeOf = (name: OutcomeName): Outcome => OUTCOMES[name];
