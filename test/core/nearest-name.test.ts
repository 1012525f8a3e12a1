import { describe, expect, test } from 'vitest';
import { nearestName } from '../../src/core/nearest-name.ts';

const NAMES = ['interval', 'steps', 'threshold', 'webhook-port', 'webhook-url'];

describe('the nearest name', () => {
  test.each([
    ['intervall', 'interval'],
    ['step', 'steps'],
    ['treshold', 'threshold'],
    ['webhook-prot', 'webhook-port'],
    ['webhookurl', 'webhook-url'],
    ['zebra', undefined],
    ['', undefined],
    ['x'.repeat(100_000), undefined],
  ])('of %.20s is %s', (misspelt, expected) => {
    expect(nearestName(misspelt, NAMES)).toBe(expected);
  });
});
