import type { AlertRule } from './alert.ts';
import type { CustomMetric } from './custom-metric.ts';
import type { GatePlace } from './gate-place.ts';
import type { Affinity, RequestMatch } from './share.ts';
import type { Webhook } from './webhook.ts';

// What the settings of a Deployment come to, once all levels are merged.

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
