import * as reasons from './check-reasons.ts';
import type { Counts, Trials } from './counts.ts';
import { counted, figure, percent } from './figures.ts';
import { byThreshold, type Finding, isWaiting, type SoFar, sequentially } from './finding.ts';
import { errorTrials, slowTrials } from './primary-evidence.ts';
import type { LatencyObjective, Settings } from './release-settings.ts';
import type { MetricCheck } from './run.ts';
import { againstLimit } from './standing.ts';
import { requestsNeeded, toleratedErrors, toleratedSlow } from './tolerance.ts';

// The canary's requests, judged against limits.

const clamped = ({ n, x }: Trials): Trials => ({ n, x: Math.min(Math.max(x, 0), n) });

const REASONS = {
  'success-rate': { pass: reasons.SUCCESS_RATE_KEPT, fail: reasons.SUCCESS_RATE_MISSED },
  latency: { pass: reasons.LATENCY_KEPT, fail: reasons.LATENCY_MISSED },
} as const;

/** The reason in the catalogue for what was found about a metric. */
export const reasonFor = (metric: keyof typeof REASONS, { verdict, undecided }: Finding): string => {
  if (verdict !== 'inconclusive') return REASONS[metric][verdict];
  return undecided === true ? reasons.UNDECIDED : reasons.NOT_ENOUGH_REQUESTS;
};

/** How a share stands to its limit, in words: of what is kept, missed within chance, missed, and not yet known. */
interface Words {
  kept: string;
  within: string;
  missed: string;
  undecided: string;
}

/** The words for what was found. */
export const wordsFor = ({ verdict, undecided }: Finding, exceeds: boolean, words: Words): string => {
  if (verdict === 'fail') return words.missed;
  if (undecided === true) return words.undecided;
  return exceeds ? words.within : words.kept;
};

const find = (trials: Trials, tolerated: number, needed: number, soFar: SoFar | undefined) => {
  const standing = againstLimit(trials, tolerated);
  const enough = trials.n > 0 && trials.n >= needed;
  const finding = soFar === undefined ? byThreshold(standing, enough) : sequentially(standing, enough, soFar);
  return { finding, exceeds: standing.exceeds };
};

/**
 * The share of requests without a 5xx among `counts`, judged; undefined when the metric is off.
 * @param soFar for `analysis: sequential`
 */
export const judgeSuccessRate = (
  { successRate, minRequests }: Pick<Settings, 'successRate' | 'minRequests'>,
  counts: Counts,
  soFar?: SoFar,
): MetricCheck | undefined => {
  if (successRate === 'off') return undefined;
  const tolerated = toleratedErrors(successRate);
  const needed = requestsNeeded(minRequests, tolerated);
  const { n, x } = clamped(errorTrials(counts));
  const { finding, exceeds } = find({ n, x }, tolerated, needed, soFar);
  const limit = `${figure(successRate)} %`;
  const rate = percent(n - x, n);
  const words = wordsFor(finding, exceeds, {
    kept: `${rate} ≥ ${limit}`,
    within: `${rate}, within chance of ${limit}`,
    missed: `${rate} < ${limit}`,
    undecided: `${rate}, not within ${limit} yet`,
  });
  return {
    metric: 'success-rate',
    value: n > 0 ? rate : '–',
    limit: `≥ ${limit}`,
    requests: n,
    verdict: finding.verdict,
    confidence: finding.confidence,
    reason: reasonFor('success-rate', finding),
    message: isWaiting(finding)
      ? `success rate waits for evidence: ${figure(n)} of ${counted(needed, 'request')}`
      : `success rate ${words} (${counted(n, 'request')}${x > 0 ? `, ${figure(x)} failed` : ''})`,
  };
};

/** `p99`, `p99.9` */
export const quantileName = ({ quantile }: LatencyObjective): string => `p${figure(quantile * 100)}`;

/** Why there is no verdict on the latency yet: nothing is timed, or too little. */
const waitingForLatency = (
  counts: Counts,
  needed: number,
  name: string,
): { reason: string; message: string } =>
  counts.timed === 0 && counts.requests > 0
    ? {
        reason: reasons.NO_LATENCY_SAMPLES,
        message: `${name} waits: none of ${counted(counts.requests, 'request')} is timed yet`,
      }
    : {
        reason: reasons.NOT_ENOUGH_REQUESTS,
        message: `${name} waits for evidence: ${figure(counts.timed)} of ${counted(needed, 'timed request')}`,
      };

interface LatencyOptions {
  /** The bucket edge that slow requests were counted at, for histograms know buckets only; default: the limit. */
  edgeMs?: number | undefined;
  /** For `analysis: sequential`. */
  soFar?: SoFar | undefined;
}

/** The share of requests above the latency limit among `counts`, judged; undefined when the metric is off. */
export const judgeLatency = (
  { latency, minRequests }: Pick<Settings, 'latency' | 'minRequests'>,
  counts: Counts,
  { edgeMs, soFar }: LatencyOptions = {},
): MetricCheck | undefined => {
  if (latency === 'off') return undefined;
  const tolerated = toleratedSlow(latency);
  const needed = requestsNeeded(minRequests, tolerated);
  const { n, x } = clamped(slowTrials(counts));
  const { finding, exceeds } = find({ n, x }, tolerated, needed, soFar);
  const name = quantileName(latency);
  const limit = `${figure(latency.limitMs)} ms`;
  const than =
    edgeMs === undefined || edgeMs === latency.limitMs ? '' : ` than ${figure(edgeMs)} ms, the next bucket`;
  const words = wordsFor(finding, exceeds, {
    kept: `≤ ${limit}`,
    within: `within chance of ${limit}`,
    missed: `> ${limit}`,
    undecided: `not within ${limit} yet`,
  });
  const told = isWaiting(finding)
    ? waitingForLatency(counts, needed, name)
    : {
        reason: reasonFor('latency', finding),
        message: `${name} ${words} (${figure(x)} of ${figure(n)} slower${than})`,
      };
  return {
    metric: 'latency',
    value: n > 0 ? `${percent(x, n)} slower` : '–',
    limit: `${name} ≤ ${limit}`,
    requests: n,
    verdict: finding.verdict,
    confidence: finding.confidence,
    ...told,
  };
};
