import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canaryReplicas, canaryReplicasByCount, shareByCount } from '../../src/core/replicas.ts';

const replicas = fc.integer({ min: 1, max: 2_000 });
const weight = fc.integer({ min: 1, max: 100 });

describe('a canary that proxies share out to', () => {
  test.each([
    [4, 10, 1],
    [4, 20, 1],
    [4, 50, 2],
    [10, 11, 2],
    [10, 100, 10],
    [1, 1, 1],
    [0, 50, 1],
  ])('has, beside %i pods and for %i %, %i', (primary, share, expected) => {
    expect(canaryReplicas(primary, share)).toBe(expected);
  });

  test('never has more to do per pod than the primary alone had', () => {
    fc.assert(
      fc.property(replicas, weight, (primary, share) => {
        expect(share / canaryReplicas(primary, share)).toBeLessThanOrEqual(100 / primary + 1e-9);
      }),
    );
  });
});

describe('a canary whose share follows from the number of pods', () => {
  test.each([
    [4, 10, 1, 20],
    [4, 20, 1, 20],
    [4, 30, 2, 33],
    [4, 40, 3, 43],
    [4, 50, 4, 50],
    [4, 100, 4, 50],
    [1, 10, 1, 50],
    [100, 10, 11, 10],
    [0, 10, 1, 100],
  ])('has, beside %i pods and for %i %, %i and so %i %', (primary, share, pods, made) => {
    expect(canaryReplicasByCount(primary, share)).toBe(pods);
    expect(Math.round(shareByCount(primary, pods))).toBe(made);
  });

  test('is as near to the share as any number of pods, and never more than the primary has', () => {
    fc.assert(
      fc.property(replicas, weight, replicas, (primary, share, other) => {
        const pods = canaryReplicasByCount(primary, share);
        expect(pods).toBeLessThanOrEqual(primary);
        const offBy = (count: number) => Math.abs(shareByCount(primary, count) - Math.min(share, 50));
        expect(offBy(pods)).toBeLessThanOrEqual(offBy(other) + 1e-9);
      }),
    );
  });

  test('has no fewer pods for a larger share', () => {
    fc.assert(
      fc.property(replicas, weight, (primary, share) => {
        const less = canaryReplicasByCount(primary, Math.max(1, share - 1));
        expect(less).toBeLessThanOrEqual(canaryReplicasByCount(primary, share));
      }),
    );
  });
});
