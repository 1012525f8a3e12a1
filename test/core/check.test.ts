import { describe, expect, it } from 'vitest';
import { type CheckOptions, checkRun, fastPathVerdict } from '../../src/core/check.ts';
import { foldEvidence, newEvidence, type Scrape } from '../../src/core/evidence.ts';
import type { Counts, Evidence } from '../../src/core/run.ts';
import type { EvidenceReading } from '../../src/core/snapshot.ts';

const SINCE = '2026-11-21T02:00:00Z';
const SCRAPED = '2026-11-21T02:01:00Z';
const SETTINGS = {
  successRate: 99,
  latency: { quantile: 0.99, limitMs: 500 },
  minRequests: 'auto',
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

describe('fastPathVerdict', () => {
  const sure = { n: 60, x: 30, logE: Math.log(2_000) };
  const unsure = { n: 60, x: 2, logE: 1 };

  it.each([
    ['errors', { fastErrors: sure, fastSlow: unsure }, 'OutageErrors', '30 of 60 requests failed'],
    ['slowness', { fastErrors: unsure, fastSlow: sure }, 'OutageLatency', '30 of 60 requests slower'],
  ])('names an outage by %s', (_, state, reason, words) => {
    const verdict = fastPathVerdict(SETTINGS, state);
    expect(verdict?.reason).toBe(reason);
    expect(verdict?.message).toContain(words);
  });

  it.each([
    ['nothing is sure', SETTINGS, { fastErrors: unsure, fastSlow: unsure }],
    ['the metrics are off', BOTH_OFF, { fastErrors: sure, fastSlow: sure }],
  ])('is silent while %s', (_, settings, state) => {
    expect(fastPathVerdict(settings, state)).toBeUndefined();
  });
});
