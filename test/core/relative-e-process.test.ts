import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binomialTail } from '../../src/core/binomial.ts';
import type { RelativePath } from '../../src/core/counts.ts';
import { isDecided, OUTAGE_ALPHA } from '../../src/core/e-value.ts';
import {
  advanceRelative,
  MARGIN,
  newRelativePath,
  relativeAtVerdict,
} from '../../src/core/relative-e-process.ts';
import { seededRandom } from './random.ts';

const NONE = { n: 0, x: 0 };

const failures = (n: number, rate: number, random: () => number): number => {
  let x = 0;
  for (let i = 0; i < n; i++) if (random() < rate) x++;
  return x;
};

/** Requests of the canary until it is decided; the weight rises by 10 % every 5 looks. */
const requestsToDecide = (canaryRate: number, primaryRate: number, random: () => number): number => {
  let state = newRelativePath();
  for (let look = 0; look < 150; look++) {
    const weight = Math.min(50, 10 + 10 * Math.floor(look / 5));
    const n = Math.round((20 * (100 - weight)) / weight);
    state = advanceRelative(state, {
      canary: { n: 20, x: failures(20, canaryRate, random) },
      primary: { n, x: failures(n, primaryRate, random) },
    });
    if (look % 5 === 4) state = relativeAtVerdict(state);
    if (isDecided(state, OUTAGE_ALPHA)) return 20 * (look + 1);
  }
  return Number.POSITIVE_INFINITY;
};

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

describe('the relative fast path', () => {
  it.each([
    { canary: 0.5, primary: 0.001, atMost: 60 },
    { canary: 0.1, primary: 0.005, atMost: 160 },
    { canary: 0.5, primary: 0.05, atMost: 100 },
  ])('finds $canary errors beside $primary within a median of $atMost requests', (row) => {
    const random = seededRandom(1);
    const found = Array.from({ length: 101 }, () => requestsToDecide(row.canary, row.primary, random));
    expect(median(found)).toBeLessThanOrEqual(row.atMost);
  });

  it.each([
    ['exactly at the margin', 0.015, 0.01],
    ['both ailing alike', 0.5, 0.5],
    ['at the margin and ailing', 0.6, 0.4],
  ])('leaves a version alone that is %s, in 99 % of runs and more, while the weight rises', (_, c, p) => {
    const random = seededRandom(2);
    const found = Array.from({ length: 300 }, () => requestsToDecide(c, p, random));
    expect(found.filter(Number.isFinite).length / found.length).toBeLessThanOrEqual(0.01);
  });

  const trials = fc.record({ n: fc.integer({ min: 1, max: 300 }), x: fc.nat(8) });
  const looks = fc.array(fc.record({ canary: trials, primary: trials, verdict: fc.boolean() }), {
    maxLength: 8,
  });
  const after = (seen: { canary: typeof NONE; primary: typeof NONE; verdict: boolean }[]): RelativePath =>
    seen.reduce((state, { verdict, ...look }) => {
      const next = advanceRelative(state, look);
      return verdict ? relativeAtVerdict(next) : next;
    }, newRelativePath());

  it('is not expected to grow at the margin, at any rate and weights, whatever was seen before', () => {
    const size = fc.integer({ min: 1, max: 12 });
    const rate = fc.double({ min: 0.001, max: 0.6, noNaN: true });
    const chance = (x: number, n: number, p: number) => binomialTail(x, n, p) - binomialTail(x + 1, n, p);
    fc.assert(
      fc.property(looks, size, size, rate, (seen, canaryN, primaryN, primaryRate) => {
        const state = after(seen);
        let expected = 0;
        for (let c = 0; c <= canaryN; c++)
          for (let p = 0; p <= primaryN; p++) {
            const look = { canary: { n: canaryN, x: c }, primary: { n: primaryN, x: p } };
            const probability = chance(c, canaryN, MARGIN * primaryRate) * chance(p, primaryN, primaryRate);
            expected += probability * Math.exp(advanceRelative(state, look).logE - state.logE);
          }
        expect(expected).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it('weighs how likely the division of the failures is at each ratio, by what it is at the margin', () => {
    const [canary, primary] = [
      { n: 20, x: 1 },
      { n: 180, x: 2 },
    ];
    const likelihood = (ratio: number): number => {
      const part = (ratio * canary.n) / (ratio * canary.n + primary.n);
      return part ** canary.x * (1 - part) ** primary.x;
    };
    const ratios = Array.from({ length: 16 }, (_, i) => 2 * 500 ** (i / 15));
    const mean =
      ratios.reduce((sum, ratio) => sum + likelihood(ratio), 0) / ratios.length / likelihood(MARGIN);
    const { logE } = advanceRelative(newRelativePath(), { canary, primary });
    expect(Math.exp(logE)).toBeCloseTo(0.9 * mean + 0.1, 9);
  });

  it('lets what came of one side alone wait for the other', () => {
    const canary = { n: 20, x: 10 };
    const primary = { n: 180, x: 1 };
    const apart = [
      { canary, primary: NONE },
      { canary: NONE, primary },
    ].reduce(advanceRelative, newRelativePath());
    expect(apart).toEqual(advanceRelative(newRelativePath(), { canary, primary }));
    expect(apart.logE).toBeGreaterThan(0);
  });

  it('needs three looks for the worst of outages: no single burst decides', () => {
    const outage = { canary: { n: 1_000, x: 1_000 }, primary: { n: 9_000, x: 0 } };
    const path = [outage, outage, outage].map((_, i, all) =>
      all.slice(0, i + 1).reduce(advanceRelative, newRelativePath()),
    );
    expect(path.map((state) => isDecided(state, OUTAGE_ALPHA))).toEqual([false, false, true]);
  });

  it('is moved by no verdict, and begins once on the same requests', () => {
    fc.assert(
      fc.property(looks, (seen) => {
        const state = after(seen);
        const judged = relativeAtVerdict(state);
        expect(judged.logE).toBe(state.logE);
        expect(relativeAtVerdict(judged)).toBe(judged);
      }),
    );
  });

  it('is the same after its status was written and read', () => {
    fc.assert(
      fc.property(looks, (seen) => {
        const state = after(seen);
        expect(JSON.parse(JSON.stringify(state))).toEqual(state);
      }),
    );
  });
});
