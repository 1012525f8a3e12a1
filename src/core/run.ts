import type { CallRecord } from './calls.ts';
import type { Evidence } from './counts.ts';
import type { GateRecord } from './gate-place.ts';
import type { Condition, Timestamp } from './objects.ts';
import type { Share } from './share.ts';

// The vocabulary of a run. design terms: primary, canary, revision, run, hold, step, check.

/** Version of the revision algorithm and 10 hex digits: `1-3fa9c2d41b`. */
export type Revision = string;

/** Flagger's phases, as printed by `kubectl get canary`. */
export type Phase =
  | 'Initialized'
  | 'Waiting'
  | 'Progressing'
  | 'WaitingPromotion'
  | 'Promoting'
  | 'Finalising'
  | 'Succeeded'
  | 'Failed'
  | 'Paused';

export type Outcome = 'Promoted' | 'RolledBack' | 'Superseded' | 'Aborted' | 'Reverted' | 'Skipped';

/** How a run ends; set once it is decided, executed by the withdrawal or promotion that follows. */
export interface Ending {
  outcome: Outcome;
  /** From the reason catalogue. */
  reason: string;
  /** In words, for people. */
  message: string;
  /** The canary's weight at that moment. */
  weight?: number;
  decidedAt: Timestamp;
}

export type Verdict = 'pass' | 'fail' | 'inconclusive';

/** The result of judging one metric, as shown in the Canary's status. */
export interface MetricCheck {
  /** `success-rate`, `latency`, `readiness`, or the name of a metric, a signal or a webhook. */
  metric: string;
  /** In the metric's own words, e.g. `99.83 %`, `p99 180 ms`. */
  value: string;
  limit: string;
  /** Trials judged. */
  requests: number;
  verdict: Verdict;
  /** How far chance may explain it, in words: `within chance (p = 0.26)`; absent where chance has no part in it. */
  confidence?: string;
  /** From the reason catalogue. */
  reason: string;
  /** One line that explains the verdict. */
  message: string;
}

/**
 * One precondition of the run that proxies need time to learn: first seen to hold at `since`.
 * Dropped again when it is seen not to hold, so that the wait starts anew.
 */
export type Milestone = 'destinations' | 'split' | 'canaryKnown' | 'weightZero' | 'canaryGone' | 'restored';

/** Something of the share that is asked for can't be had, and what becomes of that traffic instead. */
export interface TrafficLimit {
  /** From the reason catalogue. */
  reason: string;
  /** In words, for people. */
  message: string;
}

/** What a run has last written into the routes, and what has become of it. */
export interface RoutesWritten {
  share: Share;
  /**
   * `written`: not seen there yet; `undone`: not there any more, and not written anew; `left`: nothing is wanted there,
   * for others have the say.
   */
  state: 'written' | 'stands' | 'undone' | 'left';
  /** Since when it is so. */
  since: Timestamp;
  /** How often in a row others have undone it. */
  undone: number;
}

/** Live requests by weight or by match, copies of them, or no traffic at all while it is checked. */
export type Given = 'weight' | 'match' | 'mirror' | 'nothing';

/** How often a container of the canary has ended and was, or is to be, started again. */
export interface ContainerRestarts {
  pod: string;
  container: string;
  /** Since its pod was made. */
  count: number;
  /** Of those, how many came before the first weight, or are in a verdict already. */
  judged: number;
  /** One of those not judged yet was for want of memory. */
  outOfMemory?: true;
  /** How the last of them came, or the one for want of memory, in words: `exit code 1`. */
  last: string;
}

/** Times at one step in which the metrics server could not be asked: they do not count against the run. */
export interface MetricsOutage {
  /** `stepSince` of the step. */
  step: Timestamp;
  /** Since when it lasts; absent once it is over. */
  since?: Timestamp;
  /** Milliseconds of those that are over. */
  lostMs: number;
  /** When the last of those was over. */
  overAt?: Timestamp;
}

export interface Run {
  /** `<revision>-<generation of the Deployment>-<second in base 36>`, both when the run began: a retry is another run. */
  id: string;
  revision: Revision;
  images: string[];
  startedAt: Timestamp;
  /** Milestones reached, with the time each was first seen to hold. */
  milestones: Partial<Record<Milestone, Timestamp>>;
  /** The revision that serves while this run is made. */
  primaryRevision: Revision;
  /** When the wait that is under way began (readiness, rollout); the progress deadline counts from it. */
  waitingSince?: Timestamp;
  /** When the current step's weight was seen in the routes; its interval counts from it. */
  stepSince?: Timestamp;
  /** What the canary was given of the traffic at this step, by the run's decision; absent while it has nothing. */
  given?: Given;
  evidence?: Evidence;
  /** Containers of the canary that have restarted; those of pods that are gone stay. */
  restarts?: ContainerRestarts[];
  /** Since when a container of the canary can not be started at all. */
  unstartedSince?: Timestamp;
  /** At the current step. */
  metricsOutage?: MetricsOutage;
  /** What was told of limits of its traffic. */
  limits?: TrafficLimit[];
  routes?: RoutesWritten;
  /** Gates come to and found shut, in order. */
  gates?: GateRecord[];
  /** When the last check of the step passed while the run was kept from going on; counts while it equals `stepSince`. */
  passedAt?: Timestamp;
  /** Since when a person's command holds it at its weight. */
  pausedAt?: Timestamp;
  /** The command that was last read; forgotten once it is gone from the Canary. */
  heard?: string;
  /** Calls to webhooks and alert providers whose outcome counts. */
  calls?: CallRecord[];
  /** The primary ailed already when the change came, with so many pods ready; the change may be the fix. */
  ailing?: { since: Timestamp; ready: number };
  /** Since when the primary lacks the ready pods that the run needs to go on; the progress deadline counts from it. */
  primaryShortSince?: Timestamp;
  ending?: Ending;
  /** Set once everything is withdrawn or promoted: the run is history. */
  endedAt?: Timestamp;
}

export interface HistoryEntry {
  revision: Revision;
  images: string[];
  started: Timestamp;
  ended: Timestamp;
  outcome: Outcome;
  reason: string;
}

export interface Side {
  revision?: Revision;
  /** Name of the primary's ReplicaSet: by it a change that nobody let out is noticed, and a loss. */
  replicaSet?: string;
  replicas: number;
  ready: number;
}

/** What comes next in a run, for people and for `explain`. */
export interface Outlook {
  /** When the next check is made. */
  checkAt?: Timestamp;
  /** What it waits for, in words: `41 of 100 requests, about 2m at 0.5 requests/s`. */
  waitsFor: string;
  /** When it is promoted if every check passes, at the current traffic. */
  promotionAt?: Timestamp;
}

/** `status` of the Canary kind: all that a restart needs, and what people read. */
export interface CanaryStatus {
  observedGeneration?: number;
  phase: Phase;
  canaryWeight: number;
  /** Index into what the run goes through (aims.ts); -1 before the first. */
  step: number;
  /** Checks passed at this step, where several are asked for. */
  iterations: number;
  failedChecks: number;
  run?: Run;
  primary?: Side;
  canary?: Side;
  checks: MetricCheck[];
  /** While a run is under way. */
  outlook?: Outlook;
  lastTransitionTime: Timestamp;
  reason: string;
  message: string;
  /** The revision that failed last: it does not start again by itself. */
  failedRevision?: Revision;
  history: HistoryEntry[];
  conditions: Condition[];
}
