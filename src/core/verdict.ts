import { binomialTail } from './binomial.ts';
import * as reasons from './check-reasons.ts';
import { counted, figure, percent } from './figures.ts';
import type { Counts, LatencyObjective, MetricCheck, Settings, Verdict } from './run.ts';
import { requestsNeeded, toleratedErrors, toleratedSlow } from './tolerance.ts';

// The guarded threshold: a limit missed by chance is no failure, and too few requests are no verdict.

/** A version exactly at its limit fails one check in ten at most; a run needs several failed checks to roll back. */
const CHANCE = 0.1;

/** `failed` of `all` requests judged against the tolerated share; `needed` requests make a verdict. */
const judge = (all: number, failed: number, tolerated: number, needed: number): Verdict => {
  const impossible = tolerated === 0 && failed > 0;
  if (impossible) return 'fail';
  if (all < needed || all <= 0) return 'inconclusive';
  const exceeds = failed > all * tolerated;
  return exceeds && binomialTail(failed, all, tolerated) <= CHANCE ? 'fail' : 'pass';
};

const clamp = (failed: number, all: number): number => Math.min(Math.max(failed, 0), all);

const REASONS = {
  'success-rate': { pass: reasons.SUCCESS_RATE_KEPT, fail: reasons.SUCCESS_RATE_MISSED },
  latency: { pass: reasons.LATENCY_KEPT, fail: reasons.LATENCY_MISSED },
} as const;

const reasonOf = (metric: keyof typeof REASONS, verdict: Verdict): string =>
  verdict === 'inconclusive' ? reasons.NOT_ENOUGH_REQUESTS : REASONS[metric][verdict];

/** `99 %` */
const successLimit = (rate: number): string => `${figure(rate)} %`;

const successMessage = (verdict: Verdict, { requests, errors }: Counts, rate: number): string => {
  const value = percent(requests - errors, requests);
  const limit = successLimit(rate);
  const seen = `${counted(requests, 'request')}${errors > 0 ? `, ${figure(errors)} failed` : ''}`;
  if (verdict === 'fail') return `success rate ${value} < ${limit} (${seen})`;
  const kept = requests - errors >= (requests * rate) / 100;
  return kept
    ? `success rate ${value} ≥ ${limit} (${seen})`
    : `success rate ${value}, within chance of ${limit} (${seen})`;
};

/** The share of requests without a 5xx among `counts`, judged; undefined when the metric is off. */
export const judgeSuccessRate = (
  { successRate, minRequests }: Pick<Settings, 'successRate' | 'minRequests'>,
  counts: Counts,
): MetricCheck | undefined => {
  if (successRate === 'off') return undefined;
  const tolerated = toleratedErrors(successRate);
  const needed = requestsNeeded(minRequests, tolerated);
  const errors = clamp(counts.errors, counts.requests);
  const verdict = judge(counts.requests, errors, tolerated, needed);
  return {
    metric: 'success-rate',
    value: counts.requests > 0 ? percent(counts.requests - errors, counts.requests) : '–',
    limit: `≥ ${successLimit(successRate)}`,
    requests: counts.requests,
    verdict,
    reason: reasonOf('success-rate', verdict),
    message:
      verdict === 'inconclusive'
        ? `success rate waits for evidence: ${figure(counts.requests)} of ${counted(needed, 'request')}`
        : successMessage(verdict, { ...counts, errors }, successRate),
  };
};

/** `p99`, `p99.9` */
export const quantileName = ({ quantile }: LatencyObjective): string => `p${figure(quantile * 100)}`;

interface LatencyView {
  objective: LatencyObjective;
  edgeMs: number;
  tolerated: number;
}

const latencyMessage = (verdict: Verdict, counts: Counts, view: LatencyView): string => {
  const { objective, edgeMs, tolerated } = view;
  const name = quantileName(objective);
  const limit = `${figure(objective.limitMs)} ms`;
  const than = edgeMs === objective.limitMs ? '' : ` than ${figure(edgeMs)} ms, the next bucket`;
  const seen = `${figure(counts.slow)} of ${figure(counts.timed)} slower${than}`;
  if (verdict === 'fail') return `${name} > ${limit} (${seen})`;
  const kept = counts.slow <= counts.timed * tolerated;
  return kept ? `${name} ≤ ${limit} (${seen})` : `${name} within chance of ${limit} (${seen})`;
};

const waitingForLatency = (
  counts: Counts,
  needed: number,
  name: string,
): [reason: string, message: string] =>
  counts.timed === 0 && counts.requests > 0
    ? [
        reasons.NO_LATENCY_SAMPLES,
        `${name} waits: none of ${counted(counts.requests, 'request')} is timed yet`,
      ]
    : [
        reasons.NOT_ENOUGH_REQUESTS,
        `${name} waits for evidence: ${figure(counts.timed)} of ${counted(needed, 'timed request')}`,
      ];

/**
 * The share of requests above the latency limit among `counts`, judged; undefined when the metric is off.
 * Histograms know buckets only: `edgeMs` is the bucket edge that `counts.slow` was counted at, by default the limit.
 */
export const judgeLatency = (
  { latency, minRequests }: Pick<Settings, 'latency' | 'minRequests'>,
  counts: Counts,
  edgeMs?: number,
): MetricCheck | undefined => {
  if (latency === 'off') return undefined;
  const tolerated = toleratedSlow(latency);
  const needed = requestsNeeded(minRequests, tolerated);
  const slow = clamp(counts.slow, counts.timed);
  const verdict = judge(counts.timed, slow, tolerated, needed);
  const view = { objective: latency, edgeMs: edgeMs ?? latency.limitMs, tolerated };
  const [reason, message] =
    verdict === 'inconclusive'
      ? waitingForLatency(counts, needed, quantileName(latency))
      : [reasonOf('latency', verdict), latencyMessage(verdict, { ...counts, slow }, view)];
  return {
    metric: 'latency',
    value: counts.timed > 0 ? `${percent(slow, counts.timed)} slower` : '–',
    limit: `${quantileName(latency)} ≤ ${figure(latency.limitMs)} ms`,
    requests: counts.timed,
    verdict,
    reason,
    message,
  };
};
