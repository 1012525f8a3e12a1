import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckOptions, checkRun } from '../../src/core/check.ts';
import type { Counts, Evidence } from '../../src/core/counts.ts';
import { foldEvidence, newEvidence, type Scrape } from '../../src/core/evidence.ts';
import type { EvidenceReading } from '../../src/core/snapshot.ts';

const SINCE = '2026-11-21T02:00:00Z';
const SCRAPED = '2026-11-21T02:01:00Z';
const SETTINGS = {
  successRate: 99,
  latency: { quantile: 0.99, limitMs: 500 },
  minRequests: 'auto',
  analysis: 'threshold',
  compare: 'limit',
} as const;
const BOTH_OFF = { ...SETTINGS, successRate: 'off', latency: 'off' } as const;

const OPTIONS: CheckOptions = {
  now: '2026-11-21T02:01:10Z',
  maxAgeMs: 60_000,
  signals: { ready: true, restarts: 0, outOfMemory: false, message: '2 of 2 pods ready' },
};

const reading = (counters: Partial<Counts>, at = SCRAPED): EvidenceReading & Scrape => ({
  kind: 'samples',
  at,
  pods: [{ pod: 'a', requests: 0, errors: 0, timed: 0, slow: 0, ...counters }],
});

const evidenceOf = (seen: EvidenceReading): Evidence =>
  seen.kind === 'samples' ? foldEvidence(newEvidence(SINCE), seen, SETTINGS) : newEvidence(SINCE);

const check = (seen: EvidenceReading, options: Partial<CheckOptions> = {}) =>
  checkRun(SETTINGS, evidenceOf(seen), seen, { ...OPTIONS, ...options });

const GOOD = { requests: 1_240, errors: 2, timed: 1_240, slow: 12 };

describe('checkRun', () => {
  it('passes when every metric does, in one line', () => {
    expect(check(reading(GOOD))).toMatchObject({
      verdict: 'pass',
      reason: 'ChecksPassed',
      message: 'success rate 99.83 % ≥ 99 % (1,240 requests, 2 failed), p99 ≤ 500 ms (12 of 1,240 slower)',
    });
  });

  it.each([
    ['errors', { ...GOOD, errors: 100 }, 'fail', 'SuccessRateMissed'],
    ['slow requests', { ...GOOD, slow: 100 }, 'fail', 'LatencyMissed'],
    [
      'errors, though latency has no verdict yet',
      { ...GOOD, errors: 100, timed: 0 },
      'fail',
      'SuccessRateMissed',
    ],
    ['too few requests', { ...GOOD, requests: 50 }, 'inconclusive', 'NotEnoughRequests'],
    ['a histogram that is not there yet', { ...GOOD, timed: 0, slow: 0 }, 'inconclusive', 'NoLatencySamples'],
  ])('with %s', (_, counters, verdict, reason) => {
    expect(check(reading(counters))).toMatchObject({ verdict, reason });
  });

  it.each([
    ['pass', reading(GOOD)],
    ['fail', reading({ ...GOOD, errors: 500 })],
  ])('after a %s, the next check judges only what comes then', (verdict, seen) => {
    const first = check(seen);
    expect(first.verdict).toBe(verdict);
    const second = checkRun(SETTINGS, first.evidence, seen, OPTIONS);
    expect(second).toMatchObject({ verdict: 'inconclusive', reason: 'NotEnoughRequests' });
  });

  it('lets evidence that was too little accumulate', () => {
    const seen = reading({ ...GOOD, requests: 60 });
    const first = check(seen);
    expect(first.evidence).toEqual(evidenceOf(seen));
    const later = reading(GOOD, '2026-11-21T02:01:05Z');
    const evidence = foldEvidence(first.evidence, later, SETTINGS);
    expect(checkRun(SETTINGS, evidence, later, OPTIONS).verdict).toBe('pass');
  });

  const obstacles: Record<string, { seen: EvidenceReading; reason: string; now?: string }> = {
    'an unreachable metrics server': {
      seen: { kind: 'unavailable', reason: 'MetricsServerUnreachable', message: 'no answer' },
      reason: 'MetricsServerUnreachable',
    },
    'no samples': { seen: { kind: 'empty', reason: 'NoSamples', message: 'none' }, reason: 'NoSamples' },
    'stale samples': { seen: reading(GOOD), reason: 'StaleSamples', now: '2026-11-21T02:02:01Z' },
    'samples of unknown age': { seen: reading(GOOD, 'soon'), reason: 'StaleSamples' },
  };

  it.each(Object.entries(obstacles))('%s hold the weight, however good the evidence is', (_, row) => {
    const evidence = evidenceOf(reading(GOOD));
    const result = checkRun(SETTINGS, evidence, row.seen, { ...OPTIONS, now: row.now ?? OPTIONS.now });
    expect(result).toMatchObject({ verdict: 'inconclusive', reason: row.reason });
    expect(result.checks.map(({ verdict, reason }) => [verdict, reason])).toEqual([
      ['inconclusive', row.reason],
      ['inconclusive', row.reason],
    ]);
    expect(result.evidence).toBe(evidence);
  });

  it('says once what two metrics wait for', () => {
    const result = check({ kind: 'empty', reason: 'NoSamples', message: 'no samples of web-canary' });
    expect(result.message).toBe('no samples of web-canary');
  });

  it.each([
    ['a ready canary passes', {}, 'pass', 'CanaryHealthy'],
    ['a canary that is not ready fails', { ready: false }, 'fail', 'CanaryNotReady'],
    ['a canary that restarted fails', { restarts: 2 }, 'fail', 'CanaryRestarted'],
    ['a canary out of memory fails', { restarts: 2, outOfMemory: true }, 'fail', 'CanaryOutOfMemory'],
  ])('without metrics, %s', (_, state, verdict, reason) => {
    const signals = { ...OPTIONS.signals, ...state };
    const none: EvidenceReading = { kind: 'unconfigured' };
    const results = [
      checkRun(SETTINGS, newEvidence(SINCE), none, { ...OPTIONS, signals }),
      checkRun(BOTH_OFF, newEvidence(SINCE), reading(GOOD), { ...OPTIONS, signals }),
    ];
    for (const result of results) {
      expect(result.verdict).toBe(verdict);
      expect(result.checks.map((each) => [each.metric, each.reason])).toEqual([['readiness', reason]]);
    }
  });

  const RESTARTED = { ...OPTIONS.signals, restarts: 1, message: '2 of 2 pods ready, 1 restart' };

  it.each<[string, EvidenceReading]>([
    ['good metrics', reading(GOOD)],
    [
      'a metrics server that is away',
      { kind: 'unavailable', reason: 'MetricsServerUnreachable', message: 'x' },
    ],
  ])('a restart fails a check with %s', (_, seen) => {
    const result = check(seen, { signals: RESTARTED });
    expect(result).toMatchObject({ verdict: 'fail', reason: 'CanaryRestarted', message: RESTARTED.message });
    expect(result.checks.map(({ metric }) => metric)).toEqual(['readiness', 'success-rate', 'latency']);
  });

  it('a canary that is not ready fails no check of metrics that are kept', () => {
    const result = check(reading(GOOD), { signals: { ...OPTIONS.signals, ready: false } });
    expect(result).toMatchObject({ verdict: 'pass', reason: 'ChecksPassed' });
    expect(result.checks.map(({ metric }) => metric)).toEqual(['success-rate', 'latency']);
  });

  it('judges the one metric that is on', () => {
    const seen = reading({ ...GOOD, slow: 500 });
    const result = checkRun({ ...SETTINGS, latency: 'off' }, evidenceOf(seen), seen, OPTIONS);
    expect(result.verdict).toBe('pass');
    expect(result.checks.map(({ metric }) => metric)).toEqual(['success-rate']);
  });
});

describe('checkRun with analysis: sequential', () => {
  const sequential = { ...SETTINGS, analysis: 'sequential' } as const;

  it('goes on waiting where a threshold would pass a miss within chance', () => {
    const seen = reading({ requests: 100, errors: 2, timed: 100 });
    expect(check(seen).verdict).toBe('pass');
    const result = checkRun(sequential, evidenceOf(seen), seen, OPTIONS);
    expect(result).toMatchObject({ verdict: 'inconclusive', reason: 'Undecided' });
    expect(result.evidence.judged.requests).toBe(0);
  });

  it('looks at latency in the same way', () => {
    const seen = reading({ requests: 100, timed: 100, slow: 2 });
    expect(checkRun(sequential, evidenceOf(seen), seen, OPTIONS)).toMatchObject({
      reason: 'Undecided',
      message: 'p99 not within 500 ms yet (2 of 100 slower)',
    });
  });
});

describe('checkRun with compare: primary', () => {
  const compared = { ...SETTINGS, compare: 'primary' } as const;
  const counters = (name: string, counts: Partial<Counts>) => ({
    pod: name,
    requests: 0,
    errors: 0,
    timed: 0,
    slow: 0,
    ...counts,
  });

  const judged = (
    canary: Partial<Counts>,
    primary: Partial<Counts> | undefined,
    settings: Parameters<typeof checkRun>[0] = compared,
  ) => {
    const told = (at: string, own: Partial<Counts>, beside: Partial<Counts>) => ({
      ...reading(own, at),
      ...(primary === undefined ? {} : { primary: [counters('p', beside)] }),
    });
    const last = told('2026-11-21T02:01:05Z', canary, primary ?? {});
    const evidence = [told(SCRAPED, {}, {}), last].reduce(
      (before, scrape) => foldEvidence(before, scrape, settings),
      newEvidence(SINCE),
    );
    return checkRun(settings, evidence, last, OPTIONS);
  };

  const AILING = { requests: 9_000, errors: 900, timed: 9_000, slow: 900 };

  it('passes a canary that ails no more than the primary, whatever the limits say', () => {
    expect(judged({ requests: 1_000, errors: 100, timed: 1_000, slow: 100 }, AILING)).toMatchObject({
      verdict: 'pass',
      message:
        'errors 10.00 % ≤ 1.5 × 10.00 % of the primary (1,000 requests, 100 failed; primary 9,000, 900 failed), over 500 ms 10.00 % ≤ 1.5 × 10.00 % of the primary (1,000 requests, 100 failed; primary 9,000, 900 failed)',
    });
  });

  it('fails one that keeps the limits and is worse than the primary', () => {
    const result = judged(
      { requests: 1_000, errors: 9, timed: 1_000 },
      { requests: 9_000, errors: 9, timed: 9_000 },
    );
    expect(result).toMatchObject({ verdict: 'fail', reason: 'SuccessRateMissed' });
    expect(result.checks[0]).toMatchObject({
      value: '0.90 % errors',
      limit: '≤ 1.5 × 0.10 % of the primary',
      requests: 1_000,
      confidence: 'beyond doubt (p < 0.001)',
    });
  });

  it('passes one that is worse by no more than chance explains', () => {
    const result = judged(
      { requests: 1_000, errors: 2, timed: 1_000 },
      { requests: 9_000, errors: 9, timed: 9_000 },
    );
    expect(result.checks[0]?.verdict).toBe('pass');
    expect(result.checks[0]?.message).toContain('within chance of 1.5 ×');
    expect(result.checks[0]?.confidence).toMatch(/^within chance/);
  });

  it.each([
    ['too few requests of its own', { requests: 99, timed: 99 }, AILING, 'NotEnoughRequests'],
    [
      'too few of the primary',
      { requests: 1_000, timed: 1_000 },
      { requests: 99, timed: 99 },
      'NotEnoughPrimaryRequests',
    ],
    ['a primary that serves nothing', { requests: 1_000, timed: 1_000 }, {}, 'NotEnoughPrimaryRequests'],
    ['nothing known of the primary', { requests: 1_000, timed: 1_000 }, undefined, 'NoPrimarySamples'],
  ])('has no verdict with %s', (_, canary, primary, reason) => {
    expect(judged(canary, primary)).toMatchObject({ verdict: 'inconclusive', reason });
  });

  it('with sequential analysis, goes on waiting for one that is worse within chance', () => {
    const result = judged(
      { requests: 1_000, errors: 2, timed: 1_000 },
      { requests: 9_000, errors: 9, timed: 9_000 },
      { ...compared, analysis: 'sequential' },
    );
    expect(result).toMatchObject({ verdict: 'inconclusive', reason: 'Undecided' });
  });

  it('judges only the metrics that are on', () => {
    const checks = judged(AILING, AILING, { ...compared, latency: 'off' }).checks;
    expect(checks.map(({ metric }) => metric)).toEqual(['success-rate']);
  });

  it('never fails with fewer errors where it passes with more', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 5_000 }), share, fc.nat(90), (requests, at, errors) => {
        const x = Math.floor(at * (requests - 1));
        const verdicts = [x, x + 1].map(
          (failed) =>
            judged({ requests, errors: failed, timed: requests }, { requests: 9_000, errors, timed: 9_000 })
              .checks[0]?.verdict,
        );
        expect(verdicts).not.toEqual(['fail', 'pass']);
      }),
    );
  });
});
