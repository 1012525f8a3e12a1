import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StringMatch } from '../../src/core/share.ts';
import { demandsOf, joinMatches, valueRegex } from '../../src/core/value-match.ts';
import { meets } from './requests.ts';

const text = fc.string({
  unit: fc.constantFrom('a', 'b', '.', '*', '$', '\\', '(', '^'),
  minLength: 1,
  maxLength: 4,
});
const textMatch = fc.oneof(
  text.map((exact): StringMatch => ({ exact })),
  text.map((prefix): StringMatch => ({ prefix })),
);

describe('two demands on one value', () => {
  it('are met together by just the values that meet their union', () => {
    fc.assert(
      fc.property(textMatch, textMatch, text, (one, other, value) => {
        const joined = joinMatches(one, other);
        const both = meets(value, one) && meets(value, other);
        expect(joined).not.toBe('unsayable');
        expect(both).toBe(typeof joined !== 'string' && meets(value, joined));
      }),
      { numRuns: 2_000 },
    );
  });

  it('can not be said as one where an expression is among them, unless they are equal', () => {
    expect(joinMatches({ regex: 'a.*' }, { exact: 'ab' })).toBe('unsayable');
    expect(joinMatches({ regex: 'a.*' }, { regex: 'a.*' })).toEqual({ regex: 'a.*' });
  });
});

describe('a demand as an expression', () => {
  it('fits the same values, whatever characters are in it', () => {
    fc.assert(
      fc.property(textMatch, text, (match, value) => {
        expect(new RegExp(valueRegex(match)).test(value)).toBe(meets(value, match));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['^beta|rc$', 'rc', true],
    ['^beta|rc$', 'rc1', false],
    ['cost\\$', 'cost$', true],
    ['cost\\\\$', 'cost\\', true],
  ])('%s is of the whole value: %s is %s', (regex, value, expected) => {
    expect(new RegExp(valueRegex({ regex })).test(value)).toBe(expected);
  });

  it.each([
    ['group=beta', true],
    ['a=1; group=beta', true],
    ['a=1;group=beta;b=2', true],
    ['group=betas', false],
    ['xgroup=beta', false],
    ['x=group=beta', false],
    ['group=a; other=beta', false],
  ])('a cookie is found in the header %s: %s', (header, expected) => {
    const [demand] = demandsOf([{ cookies: { group: { exact: 'beta' } } }]);
    expect(demand).toMatchObject({ on: 'header', name: 'cookie' });
    expect(demand !== undefined && meets(header, demand.match)).toBe(expected);
  });
});
