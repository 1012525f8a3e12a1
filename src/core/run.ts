import type { AlertRule } from './alert.ts';
import type { CallRecord } from './calls.ts';
import type { CustomMetric } from './custom-metric.ts';
import type { GatePlace, GateRecord } from './gate-place.ts';
import type { Condition, Timestamp } from './objects.ts';
import type { Affinity, RequestMatch, Share } from './share.ts';
import type { Webhook } from './webhook.ts';

// The vocabulary of a run. design terms: primary, canary, revision, run, hold, step, check.

/** Version of the revision algorithm and 10 hex digits: `1-3fa9c2d41b`. */
export type Revision = string;

/** What the pods of a version are asked to do about proxies. */
export type Sidecar = 'auto' | 'istio' | 'linkerd' | 'none';
export type TrafficProvider = 'auto' | 'istio' | 'gateway-api' | 'replicas' | 'none';

/** A latency objective, e.g. `p99<500ms`: at most `1 - quantile` of requests take longer than `limitMs`. */
export interface LatencyObjective {
  /** 0 < quantile < 1, e.g. 0.99 */
  quantile: number;
  /** milliseconds */
  limitMs: number;
}

/** Checks that are counted instead of raising a weight. */
export interface Iterations {
  /** 1 or more. */
  checks: number;
  /** A/B: the requests that the canary gets meanwhile; undefined: no live ones. */
  match: RequestMatch[] | undefined;
}

/** Why what a CanaryPolicy says can't be known. */
export interface PolicyProblem {
  reason: 'PolicyNotFound' | 'PolicyInvalid';
  /** For people, with the policy's name. */
  message: string;
}

/** All settings of a Deployment after defaults, Namespace, CanaryPolicy and Deployment annotations are merged. */
export interface Settings {
  /** Canary weights in percent, strictly rising, 1–100; never empty. */
  steps: number[];
  /** Milliseconds at each step before it is judged. */
  intervalMs: number;
  /** Failed checks of a run before rollback, 1 or more. */
  threshold: number;
  /** Lowest percentage of requests without a 5xx, 0–100, or off. */
  successRate: number | 'off';
  latency: LatencyObjective | 'off';
  /** Requests needed for a verdict. */
  minRequests: number | 'auto';
  /** `sequential`: a step is passed only once its evidence is strong enough, however long that takes. */
  analysis: 'threshold' | 'sequential';
  /** What the canary's requests are held against: the limits, or the primary's requests of the same time. */
  compare: 'limit' | 'primary';
  onNoData: 'rollback' | 'pause' | 'promote';
  onFailure: 'rollback' | 'freeze';
  /** Milliseconds for pods to become ready, and for evidence. */
  progressDeadlineMs: number;
  traffic: TrafficProvider;
  sidecar: Sidecar;
  /** Milliseconds; what proxies need to learn a change. Undefined: the operator's setting. */
  propagationWaitMs: number | undefined;
  /** Services to split; undefined: every Service whose selector matches the pods. */
  services: string[] | undefined;
  canaryRestarts: boolean;
  onBusy: 'deny' | 'allow';
  /** Undefined: `steps` are what counts. */
  iterations: Iterations | undefined;
  /** Percent of the requests that the canary gets a copy of before anything else, 1–100. */
  mirror: number | undefined;
  /** Clients stay on the side they were drawn for; the token is the run's. */
  affinity: Omit<Affinity, 'token'> | undefined;
  /** Percent by which the weight goes down at each interval once the new version is rolled out. */
  stepWeightPromotion: number | undefined;
  /** Where a person must approve. */
  approve: readonly GatePlace[];
  /** Milliseconds that a gate waits before `onGateTimeout` holds. */
  gateTimeoutMs: number;
  onGateTimeout: 'pause' | 'rollback' | 'proceed';
  metrics: readonly CustomMetric[];
  webhooks: readonly Webhook[];
  alerts: readonly AlertRule[];
  /** The run waits while it is set: nothing is released by settings that are not the user's. */
  policyProblem: PolicyProblem | undefined;
}

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

/** Cumulative counters of one pod as last scraped (raw, never rates). */
export interface PodCounters {
  /** Name that tells counters apart; a new one starts from 0. */
  pod: string;
  requests: number;
  /** Requests answered with a 5xx. */
  errors: number;
  /** Requests in the latency histogram (it may lag `requests` by a scrape or more). */
  timed: number;
  /** Of `timed`, those above the latency limit's bucket edge. */
  slow: number;
}

export interface Counts {
  requests: number;
  errors: number;
  timed: number;
  slow: number;
}

/** Requests, or another kind of trials, and how many of them failed. */
export interface Trials {
  n: number;
  x: number;
}

/** Where, of the e-processes that begin at a verdict each, the last one began. */
export interface Beginning {
  /** Its number among them, 1 or more. */
  verdicts: number;
  /** Natural logarithm of the weighted sum of those before, each as it stood at the next verdict; absent: none. */
  logBefore?: number;
}

/** The always-on e-process of one signal (errors, or slow requests): what has been looked at and how sure it is. */
export interface FastPath extends Trials {
  /** Natural logarithm of the e-value, growth capped per look. */
  logE: number;
  /** The last verdict, with `n` and `x` as they were; absent before the first. */
  latest?: Beginning & Trials;
}

/** The e-process that holds the canary's share of failures against the primary's. */
export interface RelativePath {
  /** What came of one side while nothing came of the other: only both together tell anything. */
  pending: { canary: Trials; primary: Trials };
  /** Natural logarithm of the likelihood ratio of each ratio of the two shares that is looked for. */
  logs: number[];
  /** Natural logarithm of the e-value, growth capped per look. */
  logE: number;
  /** The last verdict, with `logs` as they were; absent before the first. */
  latest?: Beginning & { logs: number[] };
}

/** The primary's requests since they are compared with the canary's. */
export interface PrimaryEvidence {
  pods: PodCounters[];
  total: Counts;
  /** `total` at the last pass or fail verdict. */
  judged: Counts;
  errors: RelativePath;
  slow: RelativePath;
}

/** All evidence about the canary's revision since its first weight. Persisted in the Canary's status. */
export interface Evidence {
  /** Since when it is collected: samples stamped before are ignored. */
  since: Timestamp;
  /** When the newest sample was scraped. */
  sampledAt?: Timestamp;
  /** Data plane that counted; another's word about the same requests would count them twice. */
  source?: string;
  /** Last raw values by pod; growth since the previous look is added to `total`. */
  pods: PodCounters[];
  total: Counts;
  /** `total` at the last pass or fail verdict; a check judges what came since. */
  judged: Counts;
  fastErrors: FastPath;
  fastSlow: FastPath;
  /** Where the canary is compared with the primary. */
  primary?: PrimaryEvidence;
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
