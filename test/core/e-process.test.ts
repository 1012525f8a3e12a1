import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binomialTail } from '../../src/core/binomial.ts';
import type { FastPath } from '../../src/core/counts.ts';
import { advanceFastPath, atVerdict, newFastPath } from '../../src/core/e-process.ts';
import { isDecided, OUTAGE_ALPHA } from '../../src/core/e-value.ts';
import { seededRandom } from './random.ts';

const E0 = 0.01;
const decided = (state: FastPath): boolean => isDecided(state, OUTAGE_ALPHA);
const LOOK = 20;

/** One look at `LOOK` requests more, of which `rate` fail. */
const looked = (state: FastPath, rate: number, random: () => number): FastPath => {
  let x = 0;
  for (let i = 0; i < LOOK; i++) if (random() < rate) x++;
  return advanceFastPath(state, { n: LOOK, x }, E0);
};

/** Requests until the fast path decides in a run of `length` requests of which `rate` fail; undefined: never. */
const requestsToDecide = (rate: number, length: number, random: () => number): number | undefined => {
  let state = newFastPath();
  while (state.n < length) {
    state = looked(state, rate, random);
    if (state.n % 100 === 0) state = atVerdict(state, E0);
    if (decided(state)) return state.n;
  }
  return undefined;
};

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** After 5 clean checks of 2,000 requests each, with or without a word about the verdicts. */
const afterCleanChecks = (verdicts: boolean): FastPath =>
  Array.from({ length: 5 }).reduce<FastPath>((state) => {
    const clean = advanceFastPath(state, { n: 2_000, x: 0 }, E0);
    return verdicts ? atVerdict(clean, E0) : clean;
  }, newFastPath());

/** Requests until a late outage is decided. */
const requestsIntoOutage = (before: FastPath, rate: number, random: () => number): number => {
  let state = before;
  while (!decided(state)) state = looked(state, rate, random);
  return state.n - before.n;
};

describe('fast path', () => {
  it.each([
    { rate: 0.5, from: 60, to: 60 },
    { rate: 0.1, from: 80, to: 120 },
    { rate: 0.05, from: 220, to: 260 },
  ])('finds $rate errors after a median of $from to $to requests', ({ rate, from, to }) => {
    const random = seededRandom(1);
    const found = Array.from({ length: 201 }, () => requestsToDecide(rate, 5_000, random) ?? Infinity);
    expect(median(found)).toBeGreaterThanOrEqual(from);
    expect(median(found)).toBeLessThanOrEqual(to);
  });

  it('convicts a version exactly at its limit in at most 1 % of runs of 3,000 requests', () => {
    const random = seededRandom(2);
    const runs = 500;
    const convicted = Array.from({ length: runs }, () => requestsToDecide(E0, 3_000, random));
    expect(convicted.filter((found) => found !== undefined).length / runs).toBeLessThanOrEqual(0.01);
  });

  it.each([
    { rate: 0.5, atMost: 100 },
    { rate: 0.1, atMost: 200 },
    { rate: 0.05, atMost: 400 },
  ])('finds $rate errors that begin after 10,000 clean requests within $atMost', ({ rate, atMost }) => {
    const random = seededRandom(3);
    const found = Array.from({ length: 101 }, () => requestsIntoOutage(afterCleanChecks(true), rate, random));
    expect(median(found)).toBeLessThanOrEqual(atMost);
  });

  it('would need three times as many if only the whole run counted', () => {
    const random = seededRandom(3);
    const [begun, whole] = [true, false].map((verdicts) =>
      median(Array.from({ length: 101 }, () => requestsIntoOutage(afterCleanChecks(verdicts), 0.1, random))),
    );
    expect(whole).toBeGreaterThan(3 * begun!);
  });

  it('is not expected to grow while no more fail than are tolerated, whatever was seen and judged before', () => {
    const look = fc.record({ n: fc.nat(500), x: fc.nat(20), verdict: fc.boolean() });
    const size = fc.integer({ min: 1, max: 60 });
    const share = fc.double({ min: 0.001, max: 0.3, noNaN: true });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 8 }), size, share, (looks, n, e0) => {
        const state = looks.reduce<FastPath>((before, { verdict, ...seen }) => {
          const after = advanceFastPath(before, seen, e0);
          return verdict ? atVerdict(after, e0) : after;
        }, newFastPath());
        let expected = 0;
        for (let x = 0; x <= n; x++) {
          const probability = binomialTail(x, n, e0) - binomialTail(x + 1, n, e0);
          expected += probability * Math.exp(advanceFastPath(state, { n, x }, e0).logE - state.logE);
        }
        expect(expected).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it('begins once, however many verdicts there are on the same requests', () => {
    const seen = advanceFastPath(newFastPath(), { n: 100, x: 1 }, E0);
    const judged = atVerdict(seen, E0);
    expect(judged.latest).toEqual({ verdicts: 1, n: 100, x: 1 });
    expect(judged.logE).toBe(seen.logE);
    expect(atVerdict(judged, E0)).toBe(judged);
  });

  it('goes on from a status of before, which knows of no verdict', () => {
    const old = { n: 2_000, x: 20, logE: -1.5 };
    const next = advanceFastPath(old, { n: 20, x: 10 }, E0);
    expect(next).toMatchObject({ n: 2_020, x: 30 });
    expect(next.logE).toBeGreaterThan(old.logE);
    expect(next.logE).toBeLessThanOrEqual(old.logE + Math.log(10));
  });

  it('needs three looks for the worst of outages: no single burst decides', () => {
    const outage = { n: 10_000, x: 10_000 };
    const looks: FastPath[] = [newFastPath()];
    for (let i = 0; i < 3; i++) looks.push(advanceFastPath(looks[i]!, outage, E0));
    expect(looks.map(decided)).toEqual([false, false, false, true]);
  });

  it('does not let clean looks make up for what the cap cut from a burst', () => {
    let state = advanceFastPath(newFastPath(), { n: 20, x: 20 }, E0);
    for (let i = 0; i < 3; i++) state = advanceFastPath(state, { n: 20, x: 0 }, E0);
    expect(decided(state)).toBe(false);
    expect(state.logE).toBeLessThan(Math.log(10));
  });

  it('does not move when nothing new was seen', () => {
    const state = { n: 20, x: 1, logE: 0.5 };
    expect(advanceFastPath(state, { n: 0, x: 0 }, E0)).toBe(state);
  });

  it('with no tolerance at all, is sure after three looks with a failure each', () => {
    let state = newFastPath();
    for (let i = 0; i < 3; i++) state = advanceFastPath(state, { n: 20, x: 1 }, 0);
    expect(decided(state)).toBe(true);
  });

  it('with most failures tolerated, only counts', () => {
    let state = newFastPath();
    for (let i = 0; i < 5; i++) state = advanceFastPath(state, { n: 20, x: 20 }, 0.6);
    expect(state).toEqual({ n: 100, x: 100, logE: 0 });
  });

  it('never decides without a failure, and its state stays finite', () => {
    const looks = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { maxLength: 40 });
    fc.assert(
      fc.property(looks, fc.double({ min: 0, max: 1, noNaN: true }), (sizes, e0) => {
        const end = sizes.reduce((state, n) => advanceFastPath(state, { n, x: 0 }, e0), newFastPath());
        expect(decided(end)).toBe(false);
        expect(Number.isFinite(end.logE)).toBe(true);
      }),
    );
  });
});
