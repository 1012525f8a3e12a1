import { describe, expect, it } from 'vitest';
import { type End, fixedRule, type Judge, kanari } from '../../bench/simulated-run.ts';
import { seededRandom } from './random.ts';

// A short version of `npm run bench -- analysis`, whose figures are in docs/analysis.md.

const endsOf = (judge: Judge, rate: number, perCheck: number, runs: number): End[] => {
  const random = seededRandom(7);
  return Array.from({ length: runs }, () => judge({ rate: () => rate, perCheck }, random));
};

const rolledBack = (ends: End[]): End[] => ends.filter(({ outcome }) => outcome === 'rolled back');
const shareOf = (part: End[], all: End[]): number => part.length / all.length;

const medianRequests = (ends: End[]): number => {
  const sorted = rolledBack(ends)
    .map(({ requests }) => requests)
    .sort((a, b) => a - b);
  // Those that were not withdrawn count as later than all that were.
  return sorted[Math.floor(ends.length / 2)] ?? Number.POSITIVE_INFINITY;
};

describe('simulated runs', () => {
  it.each([
    ['threshold', 20, kanari()],
    ['threshold', 99, kanari()],
    ['sequential', 99, kanari({ analysis: 'sequential' })],
    ['compare: primary', 99, kanari({ compare: 'primary' })],
  ])(
    'with %s and %d requests a check roll back a version exactly at its limit in 1 % at most',
    (_, n, judge) => {
      const ends = endsOf(judge, 0.01, n, 300);
      expect(shareOf(rolledBack(ends), ends)).toBeLessThanOrEqual(0.01);
    },
  );

  it.each([
    ['threshold', 0.05, 260, kanari()],
    ['threshold', 0.5, 60, kanari()],
    ['sequential', 0.05, 260, kanari({ analysis: 'sequential' })],
    ['sequential', 0.5, 60, kanari({ analysis: 'sequential' })],
    ['compare: primary', 0.5, 80, kanari({ compare: 'primary' })],
  ])(
    'with %s withdraw a version with a share of %d errors within a median of %d requests',
    (_, rate, atMost, judge) => {
      expect(medianRequests(endsOf(judge, rate, 99, 1_001))).toBeLessThanOrEqual(atMost);
    },
  );

  it('promote a good version that a fixed rule rolls back in most', () => {
    const fixed = endsOf(fixedRule, 0.005, 99, 400);
    const own = endsOf(kanari(), 0.005, 99, 100);
    expect(shareOf(rolledBack(fixed), fixed)).toBeGreaterThan(0.6);
    expect(
      shareOf(
        own.filter(({ outcome }) => outcome === 'promoted'),
        own,
      ),
    ).toBeGreaterThan(0.98);
  });

  it('never promote with sequential analysis what is far from its limit', () => {
    const ends = endsOf(kanari({ analysis: 'sequential' }), 0.03, 99, 100);
    expect(ends.filter(({ outcome }) => outcome === 'promoted')).toEqual([]);
  });
});
