import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/core/duration.ts';

describe('a duration is read', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['500ms', 500],
    ['5s', 5_000],
    ['2.5s', 2_500],
    ['1m', 60_000],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['1.5h', 5_400_000],
    ['1h2m3s4ms', 3_723_004],
    ['90s', 90_000],
  ])('%s as %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });
});

describe('what is no duration is refused', () => {
  test.each(['', ' ', '5', '5 s', '-5s', 's', '1s1m', '1d', '5s5s', '1e3s', '0.5ms', '9'.repeat(20) + 'h'])(
    '%j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe('a duration is written', () => {
  test.each([
    [0, '0s'],
    [250, '250ms'],
    [5_000, '5s'],
    [90_000, '1m30s'],
    [600_000, '10m'],
    [3_600_000, '1h'],
  ])('%d ms as %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it('so that it reads back as the same', () => {
    fc.assert(
      fc.property(fc.nat(10 ** 10), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });
});
