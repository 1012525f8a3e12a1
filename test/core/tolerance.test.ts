import { describe, expect, it } from 'vitest';
import { requestsNeeded, toleratedErrors, toleratedSlow } from '../../src/core/tolerance.ts';

describe('tolerated shares', () => {
  it.each([
    { rate: 99, share: 0.01, needed: 100 },
    { rate: 99.9, share: 0.001, needed: 1_000 },
    { rate: 99.99, share: 0.0001, needed: 10_000 },
    { rate: 97, share: 0.03, needed: 34 },
    { rate: 50, share: 0.5, needed: 2 },
    { rate: 0, share: 1, needed: 1 },
    { rate: 100, share: 0, needed: 100 },
  ])('$rate % tolerates $share and needs $needed requests', ({ rate, share, needed }) => {
    expect(toleratedErrors(rate)).toBe(share);
    expect(requestsNeeded('auto', share)).toBe(needed);
  });

  it.each([
    { quantile: 0.99, share: 0.01 },
    { quantile: 0.999, share: 0.001 },
    { quantile: 0.5, share: 0.5 },
  ])('the quantile $quantile tolerates $share', ({ quantile, share }) => {
    expect(toleratedSlow({ quantile, limitMs: 500 })).toBe(share);
  });

  it('takes the number of requests that the settings name', () => {
    expect(requestsNeeded(7, 0.01)).toBe(7);
  });
});
