import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binomialTail } from '../../src/core/binomial.ts';

describe('binomialTail', () => {
  it.each([
    // Reference values: exact rational sums.
    { x: 1, n: 1, p: 0.5, tail: 0.5 },
    { x: 2, n: 2, p: 0.1, tail: 0.01 },
    { x: 1, n: 100, p: 0.01, tail: 0.6339676587267709 },
    { x: 3, n: 100, p: 0.01, tail: 0.0793732022 },
    { x: 5, n: 10, p: 0.5, tail: 0.623046875 },
    { x: 10, n: 10, p: 0.5, tail: 0.0009765625 },
  ])('P[Binomial($n, $p) ≥ $x] = $tail', ({ x, n, p, tail }) => {
    expect(binomialTail(x, n, p)).toBeCloseTo(tail, 9);
  });

  it.each([
    { sigmas: 0, tail: 0.5 },
    { sigmas: 1.2815515655, tail: 0.1 },
    { sigmas: -1.2815515655, tail: 0.9 },
    { sigmas: 3, tail: 0.00135 },
  ])('agrees with the normal law $sigmas σ from the mean of 10^7 trials', ({ sigmas, tail }) => {
    const n = 1e7;
    const p = 0.01;
    const x = Math.round(n * p + sigmas * Math.sqrt(n * p * (1 - p)));
    expect(binomialTail(x, n, p)).toBeCloseTo(tail, 2);
  });

  it.each([
    ['no failure is always reached', 0, 10, 0.1, 1],
    ['more failures than trials never', 11, 10, 0.1, 0],
    ['any failure is impossible when none can happen', 1, 10, 0, 0],
    ['all failures are certain when nothing else can happen', 10, 10, 1, 1],
  ])('%s', (_, x, n, p, tail) => {
    expect(binomialTail(x, n, p)).toBe(tail);
  });

  const trials = fc.integer({ min: 1, max: 3_000 });
  const share = fc.double({ min: 1e-4, max: 0.999, noNaN: true });

  it('never grows with the number of failures asked for, and stays a probability', () => {
    fc.assert(
      fc.property(trials, share, fc.double({ min: 0, max: 1, noNaN: true }), (n, p, at) => {
        const x = Math.floor(at * n);
        const tail = binomialTail(x, n, p);
        expect(tail).toBeGreaterThanOrEqual(0);
        expect(tail).toBeLessThanOrEqual(1);
        expect(binomialTail(x + 1, n, p)).toBeLessThanOrEqual(tail + 1e-9);
      }),
    );
  });

  it('mirrors: at least x failures are at most n − x successes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), share, (n, p) => {
        const x = Math.ceil(n / 2);
        expect(binomialTail(x, n, p)).toBeCloseTo(1 - binomialTail(n - x + 1, n, 1 - p), 8);
      }),
    );
  });
});
