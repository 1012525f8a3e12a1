import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../src/core/duration.ts';

describe('a duration', () => {
  it.each([
    ['30s', 30_000],
    ['5m', 300_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['500ms', 500],
    ['0', 0],
    ['0s', 0],
  ])('%s is %d milliseconds', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(['', '5', 's', '5 m', '-5m', '1d', '5M', 'm5', '1e3s', '9'.repeat(50) + 's', '1s'.repeat(100_000)])(
    'is not %.20s',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('is read back as it is written', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000 }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });

  it('is written in its shortest form', () => {
    expect([90_000, 3_600_000, 60_000, 500, 0, -5].map(formatDuration)).toEqual([
      '1m30s',
      '1h',
      '1m',
      '500ms',
      '0s',
      '0s',
    ]);
  });
});
