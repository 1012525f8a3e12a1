import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../src/core/counts.ts';
import { foldEvidence, judgedUpToHere, newEvidence } from '../../src/core/evidence.ts';
import { outageOf } from '../../src/core/outage.ts';
import type { Settings } from '../../src/core/release-settings.ts';
import { DEFAULT_SETTINGS } from '../../src/core/settings.ts';

const BEGIN = Date.parse('2026-11-21T02:00:00Z');
const ZERO = { requests: 0, errors: 0, timed: 0, slow: 0 };

interface Look {
  requests: number;
  errors?: number;
  slow?: number;
  /** Of the primary, in the same time. */
  beside?: { requests: number; errors: number; slow: number };
  /** A check passes here. */
  verdict?: true;
}

/** The evidence after these looks, a second apart. */
const evidenceOf = (settings: Settings, looks: readonly Look[]): Evidence => {
  const canary = { pod: 'canary', ...ZERO };
  const primary = { pod: 'primary', ...ZERO };
  return [{ requests: 0 }, ...looks].reduce(
    (evidence: Evidence, look: Look, i) => {
      canary.requests += look.requests;
      canary.timed += look.requests;
      canary.errors += look.errors ?? 0;
      canary.slow += look.slow ?? 0;
      primary.requests += look.beside?.requests ?? 0;
      primary.timed += look.beside?.requests ?? 0;
      primary.errors += look.beside?.errors ?? 0;
      primary.slow += look.beside?.slow ?? 0;
      const at = new Date(BEGIN + (i + 1) * 1_000).toISOString();
      const scrape = { at, pods: [{ ...canary }], primary: [{ ...primary }] };
      const next = foldEvidence(evidence, scrape, settings);
      return look.verdict === true ? judgedUpToHere(next, settings) : next;
    },
    newEvidence(new Date(BEGIN).toISOString()),
  );
};

const thrice = (look: Look): Look[] => [look, look, look];
const SEQUENTIAL = { ...DEFAULT_SETTINGS, analysis: 'sequential' } as const;
const COMPARED = { ...DEFAULT_SETTINGS, compare: 'primary' } as const;
const CLEAN = { requests: 180, errors: 0, slow: 0 };
const AILING = { requests: 180, errors: 90, slow: 90 };

describe('outageOf', () => {
  it.each([
    [
      'errors',
      { requests: 20, errors: 10 },
      'OutageErrors',
      'success rate 50.00 % < 99 % beyond doubt (30 of 60 requests failed)',
    ],
    [
      'slowness',
      { requests: 20, slow: 10 },
      'OutageLatency',
      'p99 > 500 ms beyond doubt (30 of 60 requests slower)',
    ],
  ])('names an outage by %s, with how sure it is', (_, look, reason, message) => {
    const found = outageOf(DEFAULT_SETTINGS, evidenceOf(DEFAULT_SETTINGS, thrice(look)));
    expect(found).toMatchObject({ reason, message, verdict: 'fail', requests: 60 });
    expect(found?.confidence).toBe('beyond doubt (E ≥ 1,000)');
  });

  it('tells of an outage that began late in the figures that show it', () => {
    const looks: Look[] = [{ requests: 10_000, verdict: true }];
    const bad = { requests: 20, errors: 10 };
    const evidence = evidenceOf(DEFAULT_SETTINGS, [...looks, ...thrice(bad), ...thrice(bad)]);
    expect(outageOf(DEFAULT_SETTINGS, evidence)?.message).toBe(
      'success rate 50.00 % < 99 % beyond doubt (60 of 120 requests failed since the last verdict)',
    );
  });

  it('tells of an outage that was worse before the verdict in the figures of all', () => {
    const bad: Look = { requests: 20, errors: 10 };
    const looks: Look[] = [...thrice(bad), { ...bad, verdict: true }, ...thrice({ ...bad, errors: 8 })];
    expect(outageOf(DEFAULT_SETTINGS, evidenceOf(DEFAULT_SETTINGS, looks))?.message).toBe(
      'success rate 54.28 % < 99 % beyond doubt (64 of 140 requests failed)',
    );
  });

  it('is surer at less with sequential analysis, and says so', () => {
    const looks = [
      { requests: 20, errors: 10 },
      { requests: 20, errors: 10 },
    ];
    expect(outageOf(DEFAULT_SETTINGS, evidenceOf(DEFAULT_SETTINGS, looks))).toBeUndefined();
    expect(outageOf(SEQUENTIAL, evidenceOf(SEQUENTIAL, looks))).toMatchObject({
      reason: 'SuccessRateRefuted',
      confidence: 'beyond doubt (E ≥ 100)',
    });
    const slow = evidenceOf(
      SEQUENTIAL,
      looks.map(({ requests }) => ({ requests, slow: 10 })),
    );
    expect(outageOf(SEQUENTIAL, slow)?.reason).toBe('LatencyRefuted');
  });

  it('compared with the primary, is silent while both ail alike', () => {
    const looks = thrice({ requests: 20, errors: 10, slow: 10, beside: AILING });
    expect(outageOf(COMPARED, evidenceOf(COMPARED, looks))).toBeUndefined();
  });

  it.each([
    [
      'errors',
      { requests: 20, errors: 10, beside: CLEAN },
      'OutageErrors',
      'errors 50.00 % > 1.5 × 0.00 % of the primary beyond doubt (60 requests, 30 failed; primary 540, 0 failed)',
    ],
    [
      'slowness',
      { requests: 20, slow: 10, beside: CLEAN },
      'OutageLatency',
      'over 500 ms 50.00 % > 1.5 × 0.00 % of the primary beyond doubt (60 requests, 30 failed; primary 540, 0 failed)',
    ],
  ])('compared with the primary, names an outage of the canary alone by %s', (_, look, reason, message) => {
    expect(outageOf(COMPARED, evidenceOf(COMPARED, thrice(look)))).toMatchObject({ reason, message });
  });

  it('compared with a primary that has had no requests since the verdict, tells the figures of all', () => {
    const bad: Look = { requests: 20, errors: 10, beside: CLEAN };
    const looks: Look[] = [...thrice(bad), { ...bad, verdict: true }, { requests: 20, errors: 20 }];
    expect(outageOf(COMPARED, evidenceOf(COMPARED, looks))?.message).toBe(
      'errors 60.00 % > 1.5 × 0.00 % of the primary beyond doubt (100 requests, 60 failed; primary 720, 0 failed)',
    );
  });

  it.each([
    ['nothing is sure', DEFAULT_SETTINGS, { requests: 20, errors: 1 }],
    [
      'the metrics are off',
      { ...DEFAULT_SETTINGS, successRate: 'off', latency: 'off' } as const,
      { requests: 20, errors: 20, slow: 20 },
    ],
    ['there is no primary to compare with', COMPARED, { requests: 20, errors: 20, slow: 20 }],
  ])('is silent while %s', (_, settings, look) => {
    expect(outageOf(settings, evidenceOf(settings, thrice(look)))).toBeUndefined();
  });
});
