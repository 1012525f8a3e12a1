import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logMixed, nextBeginning } from '../../src/core/beginnings.ts';
import type { Beginning } from '../../src/core/counts.ts';

describe('the mixture of beginnings', () => {
  it('stands at 1 while every process does, however many have begun', () => {
    let beginning: Beginning | undefined;
    for (let verdicts = 0; verdicts < 50; verdicts++) {
      const latest = beginning && { beginning, logValue: 0 };
      expect(logMixed(0, latest)).toBeCloseTo(0, 12);
      beginning = nextBeginning(beginning, 0);
    }
  });

  it('is not moved by a beginning: a process stopped keeps its value, and the next stands at 1', () => {
    const logValues = fc.array(fc.double({ min: -40, max: 40, noNaN: true }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(logValues, fc.double({ min: -40, max: 40, noNaN: true }), (stopped, logWhole) => {
        let beginning = nextBeginning(undefined, 0);
        for (const logValue of stopped) {
          const before = logMixed(logWhole, { beginning, logValue });
          beginning = nextBeginning(beginning, logValue);
          expect(logMixed(logWhole, { beginning, logValue: 0 })).toBeCloseTo(before, 9);
        }
      }),
    );
  });

  it('gives the first process that begins late a twentieth', () => {
    const latest = { beginning: { verdicts: 1 }, logValue: Math.log(1_001) };
    expect(Math.exp(logMixed(0, latest))).toBeCloseTo(1 + 0.05 * 1_000);
  });
});
