import { type CheckOptions, checkRun } from '../src/core/check.ts';
import type { Evidence, PodCounters } from '../src/core/counts.ts';
import { foldEvidence, newEvidence } from '../src/core/evidence.ts';
import { outageOf } from '../src/core/outage.ts';
import type { Settings } from '../src/core/release-settings.ts';
import { DEFAULT_SETTINGS } from '../src/core/settings.ts';
import type { EvidenceReading } from '../src/core/snapshot.ts';

// A run as far as its verdicts decide it: requests are drawn, counters are looked at five times an interval, and the very
// functions that judge a canary judge it. Ten steps from 5 % to 50 %, and a threshold of 5, as in Flagger's examples.

const STEPS = Array.from({ length: 10 }, (_, step) => 5 * (step + 1));
const THRESHOLD = 5;
const LOOKS = 5;
/** Of `progress-deadline`, with `interval` at its default. */
const INTERVALS_AT_MOST = 10;
/** The primary fails so often that 1.5 times as much is just 1 %. */
const PRIMARY_RATE = 0.01 / 1.5;

export interface Canary {
  /** Share of failures after so many requests of its own. */
  rate: (requests: number) => number;
  /** Requests in an interval, whatever the weight. */
  perCheck: number;
}

export interface End {
  outcome: 'rolled back' | 'promoted' | 'waiting';
  /** Of the canary, until then. */
  requests: number;
}

export type Random = () => number;
export type Judge = (canary: Canary, random: Random) => End;

/** How many of `n` requests fail: leaps from one failure to the next. */
const failuresOf = (n: number, rate: number, random: Random): number => {
  if (rate <= 0) return 0;
  let failures = 0;
  let at = 0;
  for (;;) {
    at += 1 + Math.floor(Math.log1p(-random()) / Math.log1p(-rate));
    if (at > n) return failures;
    failures++;
  }
};

/** Flagger's rule: the rate of each interval by itself against the number. */
export const fixedRule: Judge = ({ rate, perCheck }, random) => {
  let requests = 0;
  let step = 0;
  let failed = 0;
  while (step < STEPS.length && failed < THRESHOLD) {
    const failures = failuresOf(perCheck, rate(requests), random);
    requests += perCheck;
    if (1 - failures / perCheck < 0.99) failed++;
    else step++;
  }
  return { outcome: failed < THRESHOLD ? 'promoted' : 'rolled back', requests };
};

const BEGIN = Date.parse('2026-11-21T02:00:00Z');
const at = (look: number): string => new Date(BEGIN + look * 1_000).toISOString();
const SIGNALS: CheckOptions['signals'] = { ready: true, restarts: 0, outOfMemory: false, message: '' };
const ZERO = { requests: 0, errors: 0, timed: 0, slow: 0 };

const served = (pod: PodCounters, requests: number, errors: number): PodCounters => ({
  ...pod,
  requests: pod.requests + requests,
  errors: pod.errors + errors,
});

/** Both sides' counters as they are scraped, look by look. */
const createTraffic = ({ rate, perCheck }: Canary, random: Random) => {
  let canary: PodCounters = { pod: 'canary', ...ZERO };
  let primary: PodCounters = { pod: 'primary', ...ZERO };
  let looks = 0;
  return {
    requests: () => canary.requests,
    scrape: (weight: number): EvidenceReading & { kind: 'samples' } => {
      looks++;
      const sofar = Math.floor((looks * perCheck) / LOOKS);
      const requests = sofar - canary.requests;
      const beside = Math.round((requests * (100 - weight)) / weight);
      canary = served(canary, requests, failuresOf(requests, rate(canary.requests), random));
      primary = served(primary, beside, failuresOf(beside, PRIMARY_RATE, random));
      return { kind: 'samples', at: at(looks), pods: [canary], primary: [primary] };
    },
  };
};

const settingsOf = (chosen: Partial<Settings>): Settings => ({
  ...DEFAULT_SETTINGS,
  latency: 'off',
  ...chosen,
});

/** Kanari's verdicts with these settings. */
export const kanari = (chosen: Partial<Settings> = {}): Judge => {
  const settings = settingsOf(chosen);
  return (canary, random) => {
    const traffic = createTraffic(canary, random);
    let evidence: Evidence = newEvidence(at(0));
    let failed = 0;
    const end = (outcome: End['outcome']): End => ({ outcome, requests: traffic.requests() });

    for (const weight of STEPS) {
      let looks = 0;
      for (;;) {
        const reading = traffic.scrape(weight);
        evidence = foldEvidence(evidence, reading, settings);
        if (outageOf(settings, evidence) !== undefined) return end('rolled back');
        looks++;
        if (looks < LOOKS) continue;
        if (looks > LOOKS * INTERVALS_AT_MOST) return end('waiting');
        const check = checkRun(settings, evidence, reading, {
          now: reading.at,
          maxAgeMs: 60_000,
          signals: SIGNALS,
        });
        evidence = check.evidence;
        if (check.verdict === 'pass') break;
        if (check.verdict === 'inconclusive') continue;
        failed++;
        if (failed >= THRESHOLD) return end('rolled back');
        looks = 0;
      }
    }
    return end('promoted');
  };
};
