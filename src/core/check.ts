import * as reasons from './check-reasons.ts';
import type { Evidence } from './counts.ts';
import { judgedUpToHere } from './evidence.ts';
import { counted, figure } from './figures.ts';
import { comparisons, limitChecks } from './metric-checks.ts';
import type { Timestamp } from './objects.ts';
import type { Settings } from './release-settings.ts';
import type { MetricCheck, Verdict } from './run.ts';
import type { EvidenceReading } from './snapshot.ts';

// A check: one evaluation of all metrics, on what came since the last verdict.

type Limits = Pick<Settings, 'successRate' | 'latency' | 'minRequests' | 'analysis' | 'compare'>;

/** What Kubernetes itself says about the canary; decides when there are no metrics to ask. */
export interface CanarySignals {
  ready: boolean;
  /** Restarts of the canary's containers since the last verdict; fail a check whatever metrics say. */
  restarts: number;
  /** One of them was for want of memory. */
  outOfMemory: boolean;
  /** In words, e.g. `2 of 2 canary pods ready, 0 restarts`. */
  message: string;
}

export interface CheckOptions {
  now: Timestamp;
  /** Milliseconds; samples scraped longer ago than this say nothing about the canary of now. */
  maxAgeMs: number;
  signals: CanarySignals;
  /** Of other metrics, judged already. */
  others?: readonly MetricCheck[];
}

export interface CheckResult {
  verdict: Verdict;
  checks: MetricCheck[];
  reason: string;
  message: string;
  /** The evidence to go on with: judged up to here after a pass or a fail, untouched when inconclusive. */
  evidence: Evidence;
}

const NOTHING_TO_JUDGE = { verdict: 'inconclusive', confidence: 'no evidence' } as const;

interface Obstacle {
  reason: string;
  message: string;
}

/** Why the reading can't carry a verdict, if it can't. */
const obstacleOf = (
  { compare }: Limits,
  reading: EvidenceReading,
  { now, maxAgeMs }: CheckOptions,
): Obstacle | undefined => {
  if (reading.kind === 'unconfigured') return undefined;
  if (reading.kind !== 'samples') return { reason: reading.reason, message: reading.message };
  if (compare === 'primary' && (reading.primary ?? []).length === 0)
    return {
      reason: reasons.NO_PRIMARY_SAMPLES,
      message: "nothing is known of the primary's requests to compare with",
    };
  const ageMs = Date.parse(now) - Date.parse(reading.at);
  // Not `ageMs > maxAgeMs`: an unreadable timestamp makes NaN, and that is no fresh sample either.
  if (ageMs <= maxAgeMs) return undefined;
  const age = Number.isFinite(ageMs) ? `${figure(Math.round(ageMs / 1000))} s old` : 'of unknown age';
  return { reason: reasons.STALE_SAMPLES, message: `the newest sample of the canary is ${age}` };
};

const judgeSignals = ({ ready, restarts, outOfMemory }: CanarySignals): [Verdict, string] => {
  if (outOfMemory) return ['fail', reasons.CANARY_OUT_OF_MEMORY];
  if (restarts > 0) return ['fail', reasons.CANARY_RESTARTED];
  return ready ? ['pass', reasons.CANARY_HEALTHY] : ['fail', reasons.CANARY_NOT_READY];
};

const readinessCheck = (signals: CanarySignals): MetricCheck => {
  const { ready, restarts, message } = signals;
  const [verdict, reason] = judgeSignals(signals);
  return {
    metric: 'readiness',
    value: `${ready ? 'ready' : 'not ready'}, ${counted(restarts, 'restart')}`,
    limit: 'ready, 0 restarts',
    requests: 0,
    verdict,
    reason,
    message,
  };
};

const metricChecks = (settings: Limits, evidence: Evidence, reading: EvidenceReading): MetricCheck[] => {
  const edgeMs = reading.kind === 'samples' ? reading.latencyEdgeMs : undefined;
  const checks =
    settings.compare === 'primary'
      ? comparisons(settings, evidence, edgeMs)
      : limitChecks(settings, evidence, edgeMs);
  return checks.filter((check) => check !== undefined);
};

const summary = (checks: MetricCheck[]): Omit<CheckResult, 'checks' | 'evidence'> => {
  for (const verdict of ['fail', 'inconclusive'] as const) {
    const found = checks.filter((check) => check.verdict === verdict);
    const [first] = found;
    if (first === undefined) continue;
    // Two metrics that wait for the same server say so once.
    const messages = new Set(found.map((check) => check.message));
    return { verdict, reason: first.reason, message: [...messages].join(', ') };
  }
  return {
    verdict: 'pass',
    reason: reasons.PASSED,
    message: checks.map((check) => check.message).join(', '),
  };
};

/**
 * Judges the run. `evidence` has the reading folded in already. A metric that could not be read holds the weight
 * (inconclusive, with the reading's reason); with both metrics off, or no metrics server, Kubernetes' signals decide.
 * A restart fails the check in any case: it explains errors, and is evidence where requests are none.
 */
export const checkRun = (
  settings: Limits,
  evidence: Evidence,
  reading: EvidenceReading,
  options: CheckOptions,
): CheckResult => {
  const enabled = reading.kind === 'unconfigured' ? [] : metricChecks(settings, evidence, reading);
  if (enabled.length === 0) {
    const checks = [readinessCheck(options.signals), ...(options.others ?? [])];
    return { ...summary(checks), checks, evidence };
  }
  const obstacle = obstacleOf(settings, reading, options);
  const judged =
    obstacle === undefined
      ? enabled
      : enabled.map((check) => ({ ...check, ...obstacle, ...NOTHING_TO_JUDGE }));
  const restarted = options.signals.restarts > 0 ? [readinessCheck(options.signals)] : [];
  const checks = [...restarted, ...judged, ...(options.others ?? [])];
  const result = summary(checks);
  return {
    ...result,
    checks,
    evidence: result.verdict === 'inconclusive' ? evidence : judgedUpToHere(evidence, settings),
  };
};
