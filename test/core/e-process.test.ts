import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advanceFastPath, fastPathDecided, newFastPath } from '../../src/core/e-process.ts';
import type { FastPath } from '../../src/core/run.ts';
import { seededRandom } from './random.ts';

const E0 = 0.01;
const LOOK = 20;

/** Requests until the fast path decides in a run of `length` requests of which `rate` fail; undefined: never. */
const requestsToDecide = (rate: number, length: number, random: () => number): number | undefined => {
  let state = newFastPath();
  while (state.n < length) {
    let x = 0;
    for (let i = 0; i < LOOK; i++) if (random() < rate) x++;
    state = advanceFastPath(state, { n: LOOK, x }, E0);
    if (fastPathDecided(state)) return state.n;
  }
  return undefined;
};

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

describe('fast path', () => {
  it.each([
    { rate: 0.5, from: 60, to: 60 },
    { rate: 0.1, from: 80, to: 120 },
    { rate: 0.05, from: 220, to: 300 },
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

  it('needs three looks for the worst of outages: no single burst decides', () => {
    const outage = { n: 10_000, x: 10_000 };
    const looks: FastPath[] = [newFastPath()];
    for (let i = 0; i < 3; i++) looks.push(advanceFastPath(looks[i]!, outage, E0));
    expect(looks.map(fastPathDecided)).toEqual([false, false, false, true]);
  });

  it('does not let clean looks make up for what the cap cut from a burst', () => {
    let state = advanceFastPath(newFastPath(), { n: 20, x: 20 }, E0);
    for (let i = 0; i < 3; i++) state = advanceFastPath(state, { n: 20, x: 0 }, E0);
    expect(fastPathDecided(state)).toBe(false);
    expect(state.logE).toBeLessThan(Math.log(10));
  });

  it('does not move when nothing new was seen', () => {
    const state = { n: 20, x: 1, logE: 0.5 };
    expect(advanceFastPath(state, { n: 0, x: 0 }, E0)).toBe(state);
  });

  it('with no tolerance at all, is sure after three looks with a failure each', () => {
    let state = newFastPath();
    for (let i = 0; i < 3; i++) state = advanceFastPath(state, { n: 20, x: 1 }, 0);
    expect(fastPathDecided(state)).toBe(true);
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
        expect(fastPathDecided(end)).toBe(false);
        expect(Number.isFinite(end.logE)).toBe(true);
      }),
    );
  });
});
