import { errorComparison, judgeComparison, type Sides, slowComparison } from './comparison.ts';
import type { Counts, Evidence, Trials } from './counts.ts';
import { unjudged } from './evidence.ts';
import type { SoFar } from './finding.ts';
import { NOTHING } from './pod-growth.ts';
import { errorTrials, slowTrials } from './primary-evidence.ts';
import type { Settings } from './release-settings.ts';
import type { MetricCheck } from './run.ts';
import { againstLimit, againstPrimary, type Standing } from './standing.ts';
import { toleratedErrors, toleratedSlow } from './tolerance.ts';
import { judgeLatency, judgeSuccessRate } from './verdict.ts';

// The built-in metrics, judged on what came since the last verdict; undefined stands for one that is off.

type Limits = Pick<Settings, 'successRate' | 'latency' | 'minRequests' | 'analysis'>;

const soFarOf = (
  { analysis }: Limits,
  whole: () => Standing,
  { logE }: { logE: number },
): SoFar | undefined => (analysis === 'sequential' ? { whole: whole(), logE } : undefined);

/** Against the limits. */
export const limitChecks = (
  settings: Limits,
  evidence: Evidence,
  edgeMs: number | undefined,
): (MetricCheck | undefined)[] => {
  const { successRate, latency } = settings;
  const { total, fastErrors, fastSlow } = evidence;
  const counts = unjudged(evidence);
  return [
    successRate === 'off'
      ? undefined
      : judgeSuccessRate(
          { ...settings, successRate },
          counts,
          soFarOf(settings, () => againstLimit(errorTrials(total), toleratedErrors(successRate)), fastErrors),
        ),
    latency === 'off'
      ? undefined
      : judgeLatency({ ...settings, latency }, counts, {
          edgeMs,
          soFar: soFarOf(settings, () => againstLimit(slowTrials(total), toleratedSlow(latency)), fastSlow),
        }),
  ];
};

const NO_PRIMARY = { total: NOTHING, judged: NOTHING, errors: { logE: 0 }, slow: { logE: 0 } };

/** Against the primary's requests of the same time. */
export const comparisons = (
  settings: Limits,
  evidence: Evidence,
  edgeMs: number | undefined,
): (MetricCheck | undefined)[] => {
  const { primary = NO_PRIMARY } = evidence;
  const sides = (canary: Counts, beside: Counts, trialsOf: (counts: Counts) => Trials): Sides => ({
    canary: trialsOf(canary),
    primary: trialsOf(beside),
  });
  const check = (
    compared: ReturnType<typeof errorComparison>,
    trialsOf: (counts: Counts) => Trials,
    eProcess: { logE: number },
  ): MetricCheck | undefined => {
    if (compared === undefined) return undefined;
    const whole = sides(evidence.total, primary.total, trialsOf);
    const soFar = soFarOf(settings, () => againstPrimary(whole.canary, whole.primary), eProcess);
    return judgeComparison(compared, sides(unjudged(evidence), unjudged(primary), trialsOf), soFar);
  };
  return [
    check(errorComparison(settings), errorTrials, primary.errors),
    check(slowComparison(settings, edgeMs), slowTrials, primary.slow),
  ];
};
