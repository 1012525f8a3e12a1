import * as reasons from './check-reasons.ts';
import type { Trials } from './counts.ts';
import { counted, figure, percent } from './figures.ts';
import { byThreshold, isWaiting, type SoFar, sequentially } from './finding.ts';
import { MARGIN } from './relative-e-process.ts';
import type { Settings } from './release-settings.ts';
import type { MetricCheck } from './run.ts';
import { againstPrimary } from './standing.ts';
import { requestsNeeded, toleratedErrors, toleratedSlow } from './tolerance.ts';
import { reasonFor, wordsFor } from './verdict.ts';

// `compare: primary`: the canary's share of failures is held against the primary's of the same time.

/** Trials of both sides. */
export interface Sides {
  canary: Trials;
  primary: Trials;
}

/** How a comparison is shown, and what it needs. */
export interface Compared {
  metric: 'success-rate' | 'latency';
  /** What fails: `errors`. */
  failures: string;
  /** Trials of each side without which there is no verdict. */
  needed: number;
}

type Limits = Pick<Settings, 'successRate' | 'latency' | 'minRequests'>;

/** How errors are compared; undefined when they are not judged. The limit itself only says how many requests it takes. */
export const errorComparison = ({ successRate, minRequests }: Limits): Compared | undefined =>
  successRate === 'off'
    ? undefined
    : {
        metric: 'success-rate',
        failures: 'errors',
        needed: requestsNeeded(minRequests, toleratedErrors(successRate)),
      };

/**
 * How slow requests are compared; undefined when they are not judged.
 * @param edgeMs the bucket edge that they are counted at; default: the limit
 */
export const slowComparison = ({ latency, minRequests }: Limits, edgeMs?: number): Compared | undefined =>
  latency === 'off'
    ? undefined
    : {
        metric: 'latency',
        failures: `over ${figure(edgeMs ?? latency.limitMs)} ms`,
        needed: requestsNeeded(minRequests, toleratedSlow(latency)),
      };

const limitWords = (primary: string): string => `${MARGIN} × ${primary} of the primary`;

const shareOf = ({ n, x }: Trials): string => (n > 0 ? percent(x, n) : '–');

/** Value and limit of a comparison, for people. */
export const shownOf = (
  { failures }: Compared,
  { canary, primary }: Sides,
): { value: string; limit: string } => ({
  value: `${shareOf(canary)} ${failures}`,
  limit: `≤ ${limitWords(shareOf(primary))}`,
});

/** `errors 2.00 % > 1.5 × 0.20 % of the primary` */
export const missedWords = ({ failures }: Compared, { canary, primary }: Sides): string =>
  `${failures} ${shareOf(canary)} > ${limitWords(shareOf(primary))}`;

/** `1,240 requests, 4 failed; primary 11,160, 28 failed` */
export const countWords = ({ canary, primary }: Sides): string =>
  `${counted(canary.n, 'request')}, ${figure(canary.x)} failed; primary ${figure(primary.n)}, ${figure(primary.x)} failed`;

const waiting = (
  { failures, needed }: Compared,
  { canary, primary }: Sides,
): { reason: string; message: string } =>
  canary.n < Math.max(needed, 1)
    ? {
        reason: reasons.NOT_ENOUGH_REQUESTS,
        message: `${failures}: waits for evidence: ${figure(canary.n)} of ${counted(needed, 'request')}`,
      }
    : {
        reason: reasons.NOT_ENOUGH_PRIMARY_REQUESTS,
        message: `${failures}: waits for the primary to compare with: ${figure(primary.n)} of ${counted(needed, 'request')}`,
      };

/**
 * Both sides' trials since the last verdict, judged.
 * @param soFar for `analysis: sequential`
 */
export const judgeComparison = (compared: Compared, sides: Sides, soFar?: SoFar): MetricCheck => {
  const { metric, failures, needed } = compared;
  const { canary, primary } = sides;
  const standing = againstPrimary(canary, primary);
  const enough = Math.min(canary.n, primary.n) >= Math.max(needed, 1);
  const finding = soFar === undefined ? byThreshold(standing, enough) : sequentially(standing, enough, soFar);
  const [share, limit] = [shareOf(canary), limitWords(shareOf(primary))];
  const words = wordsFor(finding, standing.exceeds, {
    kept: `${failures} ${share} ≤ ${limit}`,
    within: `${failures} ${share}, within chance of ${limit}`,
    missed: missedWords(compared, sides),
    undecided: `${failures} ${share}, not within ${limit} yet`,
  });
  const { reason, message } = isWaiting(finding)
    ? waiting(compared, sides)
    : { reason: reasonFor(metric, finding), message: `${words} (${countWords(sides)})` };
  return {
    metric,
    ...shownOf(compared, sides),
    requests: canary.n,
    verdict: finding.verdict,
    confidence: finding.confidence,
    reason,
    message,
  };
};
