import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Counts } from '../../src/core/counts.ts';
import type { Verdict } from '../../src/core/run.ts';
import { againstLimit } from '../../src/core/standing.ts';
import { judgeLatency, judgeSuccessRate } from '../../src/core/verdict.ts';

const counts = (all: number, failed: number): Counts => ({
  requests: all,
  errors: failed,
  timed: all,
  slow: failed,
});

describe('judgeSuccessRate', () => {
  const settings = { successRate: 99, minRequests: 'auto' } as const;

  const rows: Record<
    string,
    {
      n: number;
      x: number;
      verdict: Verdict;
      reason: string;
      value: string;
      message: string;
      confidence: string;
    }
  > = {
    'has no verdict on no request': {
      n: 0,
      x: 0,
      verdict: 'inconclusive',
      reason: 'NotEnoughRequests',
      value: '–',
      message: 'success rate waits for evidence: 0 of 100 requests',
      confidence: 'too few requests to tell',
    },
    'has no verdict on too few, even when they all failed': {
      n: 99,
      x: 99,
      verdict: 'inconclusive',
      reason: 'NotEnoughRequests',
      value: '0.00 %',
      message: 'success rate waits for evidence: 99 of 100 requests',
      confidence: 'too few requests to tell',
    },
    'passes a rate at its limit or better': {
      n: 1_240,
      x: 2,
      verdict: 'pass',
      reason: 'SuccessRateKept',
      value: '99.83 %',
      message: 'success rate 99.83 % ≥ 99 % (1,240 requests, 2 failed)',
      confidence: 'beyond doubt (p < 0.001)',
    },
    'passes a clean one': {
      n: 100,
      x: 0,
      verdict: 'pass',
      reason: 'SuccessRateKept',
      value: '100.00 %',
      message: 'success rate 100.00 % ≥ 99 % (100 requests)',
      confidence: 'within chance (p = 0.37)',
    },
    'passes a miss that chance explains: 2 of 100': {
      n: 100,
      x: 2,
      verdict: 'pass',
      reason: 'SuccessRateKept',
      value: '98.00 %',
      message: 'success rate 98.00 %, within chance of 99 % (100 requests, 2 failed)',
      confidence: 'within chance (p = 0.26)',
    },
    'fails a miss that chance does not explain: 3 of 100': {
      n: 100,
      x: 3,
      verdict: 'fail',
      reason: 'SuccessRateMissed',
      value: '97.00 %',
      message: 'success rate 97.00 % < 99 % (100 requests, 3 failed)',
      confidence: 'unlikely by chance (p = 0.08)',
    },
    'never rounds a failure away': {
      n: 1_000_000,
      x: 1,
      verdict: 'pass',
      reason: 'SuccessRateKept',
      value: '99.99 %',
      message: 'success rate 99.99 % ≥ 99 % (1,000,000 requests, 1 failed)',
      confidence: 'beyond doubt (p < 0.001)',
    },
  };

  it.each(Object.entries(rows))('%s', (_, { n, x, ...expected }) => {
    expect(judgeSuccessRate(settings, counts(n, x))).toEqual({
      metric: 'success-rate',
      limit: '≥ 99 %',
      requests: n,
      ...expected,
    });
  });

  it.each([
    { n: 1, x: 1, verdict: 'fail' },
    { n: 99, x: 0, verdict: 'inconclusive' },
    { n: 100, x: 0, verdict: 'pass' },
    { n: 10_000_000, x: 1, verdict: 'fail' },
  ])('at 100 %, $x errors of $n: $verdict', ({ n, x, verdict }) => {
    expect(judgeSuccessRate({ successRate: 100, minRequests: 'auto' }, counts(n, x))?.verdict).toBe(verdict);
  });

  it('has no verdict without any request, whatever the settings ask for', () => {
    expect(judgeSuccessRate({ successRate: 0, minRequests: 0 }, counts(0, 0))?.verdict).toBe('inconclusive');
  });

  it('is undefined when off', () => {
    expect(judgeSuccessRate({ successRate: 'off', minRequests: 'auto' }, counts(100, 0))).toBeUndefined();
  });

  const rank: Record<Verdict, number> = { inconclusive: 0, pass: 1, fail: 2 };

  it('never gets better with more errors', () => {
    const rate = fc.double({ min: 1, max: 100, noNaN: true });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), share, rate, (n, at, successRate) => {
        const x = Math.floor(at * (n - 1));
        const judged = (failed: number) =>
          rank[judgeSuccessRate({ successRate, minRequests: 1 }, counts(n, failed))!.verdict];
        expect(judged(x + 1)).toBeGreaterThanOrEqual(judged(x));
      }),
    );
  });

  it('never fails a rate at its limit or better', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 1_000_000 }), (n) => {
        expect(judgeSuccessRate(settings, counts(n, Math.floor(n / 100)))?.verdict).toBe('pass');
      }),
    );
  });
});

describe('judgeSuccessRate for sequential analysis', () => {
  const settings = { successRate: 99, minRequests: 'auto' } as const;
  const judged = (fresh: [n: number, x: number], whole: [n: number, x: number], e = 1) =>
    judgeSuccessRate(settings, counts(...fresh), {
      whole: againstLimit({ n: whole[0], x: whole[1] }, 0.01),
      logE: Math.log(e),
    })!;

  it.each<[string, [number, number], [number, number], number, Verdict, string]>([
    ['passes what is within the limit', [100, 1], [400, 4], 0.5, 'pass', 'SuccessRateKept'],
    ['waits for requests', [99, 0], [999, 0], 0.01, 'inconclusive', 'NotEnoughRequests'],
    ['waits where chance might explain it', [100, 2], [400, 2], 1, 'inconclusive', 'Undecided'],
    ['waits while the whole run is not within it', [100, 0], [200, 3], 1, 'inconclusive', 'Undecided'],
    ['fails what is refuted, however few', [20, 10], [20, 10], 100, 'fail', 'SuccessRateMissed'],
  ])('%s', (_, fresh, whole, e, verdict, reason) => {
    expect(judged(fresh, whole, e)).toMatchObject({ verdict, reason });
  });

  it('says what it waits for, and how sure it is', () => {
    expect(judged([100, 2], [400, 2], 12.34)).toMatchObject({
      message: 'success rate 98.00 %, not within 99 % yet (100 requests, 2 failed)',
      confidence: 'undecided (E = 12)',
    });
  });

  it('never passes with more errors what it did not pass with fewer', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), share, (n, at) => {
        const x = Math.floor(at * (n - 1));
        if (judged([n, x], [n, x]).verdict === 'pass') return;
        expect(judged([n, x + 1], [n, x + 1]).verdict).not.toBe('pass');
      }),
    );
  });
});

describe('judgeLatency', () => {
  const settings = { latency: { quantile: 0.99, limitMs: 500 }, minRequests: 'auto' } as const;

  it.each([
    ['kept', 1_240, 12, 'pass', 'p99 ≤ 500 ms (12 of 1,240 slower)'],
    ['missed by chance', 1_240, 14, 'pass', 'p99 within chance of 500 ms (14 of 1,240 slower)'],
    ['missed', 1_240, 40, 'fail', 'p99 > 500 ms (40 of 1,240 slower)'],
    ['unknown yet', 40, 40, 'inconclusive', 'p99 waits for evidence: 40 of 100 timed requests'],
  ])('words a limit %s', (_, n, x, verdict, message) => {
    expect(judgeLatency(settings, counts(n, x))).toMatchObject({
      metric: 'latency',
      limit: 'p99 ≤ 500 ms',
      verdict,
      message,
    });
  });

  it('shows the share of slower requests as its value: counts know no p99', () => {
    expect(judgeLatency(settings, counts(1_240, 12))?.value).toBe('0.96 % slower');
  });

  it('names the bucket edge when it is not the limit', () => {
    expect(judgeLatency(settings, counts(1_240, 12), { edgeMs: 1_000 })?.message).toBe(
      'p99 ≤ 500 ms (12 of 1,240 slower than 1,000 ms, the next bucket)',
    );
  });

  it('says so when requests were counted and none is timed yet', () => {
    expect(judgeLatency(settings, { ...counts(300, 0), timed: 0 })).toMatchObject({
      verdict: 'inconclusive',
      reason: 'NoLatencySamples',
    });
  });

  it('judges timed requests only: the histogram lags', () => {
    const check = judgeLatency(settings, { requests: 5_000, errors: 0, timed: 99, slow: 0 });
    expect(check).toMatchObject({ verdict: 'inconclusive', requests: 99, reason: 'NotEnoughRequests' });
  });

  it('is undefined when off', () => {
    expect(judgeLatency({ latency: 'off', minRequests: 'auto' }, counts(100, 0))).toBeUndefined();
  });
});
