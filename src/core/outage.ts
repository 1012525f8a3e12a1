import * as reasons from './check-reasons.ts';
import {
  countWords,
  errorComparison,
  missedWords,
  type Sides,
  shownOf,
  slowComparison,
} from './comparison.ts';
import type { Counts, Evidence, FastPath, Trials } from './counts.ts';
import { isDecided, OUTAGE_ALPHA, SEQUENTIAL_ALPHA } from './e-value.ts';
import { counted, figure, percent } from './figures.ts';
import { errorTrials, slowTrials } from './primary-evidence.ts';
import type { Settings } from './release-settings.ts';
import type { MetricCheck } from './run.ts';
import { quantileName } from './verdict.ts';

// The verdict of the fast path, at any look: the canary must go now, whatever the interval and the threshold say.

type Limits = Pick<Settings, 'successRate' | 'latency' | 'minRequests' | 'analysis' | 'compare'>;

/** The metric that is beyond doubt, with its value, limit and reason in words. */
export type Outage = MetricCheck & { verdict: 'fail' };

const alphaOf = ({ analysis }: Limits): number =>
  analysis === 'sequential' ? SEQUENTIAL_ALPHA : OUTAGE_ALPHA;

const REASONS = {
  'success-rate': { outage: reasons.OUTAGE_ERRORS, refuted: reasons.SUCCESS_RATE_REFUTED },
  latency: { outage: reasons.OUTAGE_LATENCY, refuted: reasons.LATENCY_REFUTED },
} as const;

const outage = (
  settings: Limits,
  shown: Pick<MetricCheck, 'metric' | 'value' | 'limit' | 'requests' | 'message'> & {
    metric: keyof typeof REASONS;
  },
): Outage => ({
  ...shown,
  verdict: 'fail',
  confidence: `beyond doubt (E ≥ ${figure(1 / alphaOf(settings))})`,
  reason: REASONS[shown.metric][settings.analysis === 'sequential' ? 'refuted' : 'outage'],
});

/** The trials that speak: of an outage that began late those since the last verdict, else all. */
const telling = ({ n, x, latest }: FastPath): Trials & { since: string } => {
  const late = latest === undefined ? { n: 0, x: 0 } : { n: n - latest.n, x: x - latest.x };
  return late.n > 0 && late.x * n > x * late.n
    ? { ...late, since: ' since the last verdict' }
    : { n, x, since: '' };
};

const errorOutage = (settings: Limits, { fastErrors }: Evidence): Outage | undefined => {
  const { successRate } = settings;
  if (successRate === 'off' || !isDecided(fastErrors, alphaOf(settings))) return undefined;
  const { n, x, since } = telling(fastErrors);
  const [value, limit] = [percent(n - x, n), `${figure(successRate)} %`];
  const seen = `${figure(x)} of ${counted(n, 'request')} failed${since}`;
  return outage(settings, {
    metric: 'success-rate',
    value,
    limit: `≥ ${limit}`,
    requests: n,
    message: `success rate ${value} < ${limit} beyond doubt (${seen})`,
  });
};

const slowOutage = (settings: Limits, { fastSlow }: Evidence): Outage | undefined => {
  const { latency } = settings;
  if (latency === 'off' || !isDecided(fastSlow, alphaOf(settings))) return undefined;
  const { n, x, since } = telling(fastSlow);
  const [name, limit] = [quantileName(latency), `${figure(latency.limitMs)} ms`];
  return outage(settings, {
    metric: 'latency',
    value: `${percent(x, n)} slower`,
    limit: `${name} ≤ ${limit}`,
    requests: n,
    message: `${name} > ${limit} beyond doubt (${figure(x)} of ${counted(n, 'request')} slower${since})`,
  });
};

const NONE: Trials = { n: 0, x: 0 };

/** Of both sides all trials, or those since the last verdict where the canary does worse in them. */
const tellingSides = (evidence: Evidence, trialsOf: (counts: Counts) => Trials): Sides => {
  const between = ({ total, judged }: { total: Counts; judged: Counts }) => {
    const [all, before] = [trialsOf(total), trialsOf(judged)];
    return { all, late: { n: all.n - before.n, x: all.x - before.x } };
  };
  const canary = between(evidence);
  const primary = evidence.primary === undefined ? { all: NONE, late: NONE } : between(evidence.primary);
  const worse = canary.late.x * canary.all.n > canary.all.x * canary.late.n;
  return worse && primary.late.n > 0
    ? { canary: canary.late, primary: primary.late }
    : { canary: canary.all, primary: primary.all };
};

const relativeOutages = (settings: Limits, evidence: Evidence): (Outage | undefined)[] => {
  const { primary } = evidence;
  if (primary === undefined) return [];
  const found = (
    compared: ReturnType<typeof errorComparison>,
    trialsOf: (counts: Counts) => Trials,
    path: { logE: number },
  ): Outage | undefined => {
    if (compared === undefined || !isDecided(path, alphaOf(settings))) return undefined;
    const sides = tellingSides(evidence, trialsOf);
    return outage(settings, {
      ...shownOf(compared, sides),
      metric: compared.metric,
      requests: sides.canary.n,
      message: `${missedWords(compared, sides)} beyond doubt (${countWords(sides)})`,
    });
  };
  return [
    found(errorComparison(settings), errorTrials, primary.errors),
    found(slowComparison(settings), slowTrials, primary.slow),
  ];
};

/** Set when the fast path is sure; of what is compared with the primary, its share takes the limit's place. */
export const outageOf = (settings: Limits, evidence: Evidence): Outage | undefined => {
  const found =
    settings.compare === 'primary'
      ? relativeOutages(settings, evidence)
      : [errorOutage(settings, evidence), slowOutage(settings, evidence)];
  return found.find((each) => each !== undefined);
};
