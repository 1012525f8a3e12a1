import { expect, test } from 'vitest';
import { againstLimit, againstPrimary } from '../../src/core/standing.ts';

test('against a limit, chance is that of so many failures among so many requests', () => {
  const standing = againstLimit({ n: 2, x: 2 }, 0.5);
  expect(standing).toMatchObject({ exceeds: true, chanceOfMore: 0.25, chanceOfFewer: 1, impossible: false });
});

test('against the primary, chance is that of so many of all failures falling on a canary at the margin', () => {
  // 1.5 times 100 requests weigh as much as 150: each failure falls on either side alike.
  const standing = againstPrimary({ n: 100, x: 2 }, { n: 150, x: 0 });
  expect(standing.exceeds).toBe(true);
  expect(standing.chanceOfMore).toBeCloseTo(0.25);
  expect(againstPrimary({ n: 100, x: 1 }, { n: 150, x: 1 })).toMatchObject({ exceeds: false });
});

test('a share of exactly the margin does not exceed it', () => {
  expect(againstPrimary({ n: 100, x: 3 }, { n: 100, x: 2 }).exceeds).toBe(false);
  expect(againstPrimary({ n: 100, x: 4 }, { n: 100, x: 2 }).exceeds).toBe(true);
});
