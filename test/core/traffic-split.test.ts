import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divideWeights, joinWeights, type Portion, type Weight } from '../../src/core/traffic-split.ts';

const whole = (weight: Weight): Portion => ({ kind: 'whole', weight });
const divided = (primary: number, canary: number): Portion => ({ kind: 'divided', primary, canary });

interface Case {
  weights: Weight[];
  shares: (number | undefined)[];
  expect: Portion[];
}

describe('dividing the weights of a route', () => {
  const cases: Record<string, Case> = {
    'an only destination without weight counts as 100': {
      weights: [undefined],
      shares: [20],
      expect: [divided(80, 20)],
    },
    'an only destination with weight 0 takes everything all the same': {
      weights: [0],
      shares: [20],
      expect: [divided(80, 20)],
    },
    'a share that is no integer multiplies the whole route by 100': {
      weights: [33, 67],
      shares: [20, undefined],
      expect: [divided(2640, 660), whole(6700)],
    },
    'an integer share leaves foreign weights as they are': {
      weights: [50, 50],
      shares: [10, undefined],
      expect: [divided(45, 5), whole(50)],
    },
    'a destination without traffic is never divided into 0/0': {
      weights: [undefined, 100],
      shares: [20, undefined],
      expect: [whole(undefined), whole(100)],
    },
    'a foreign weight that is not stated stays unstated in a scaled route': {
      weights: [33, undefined],
      shares: [10, undefined],
      expect: [divided(2970, 330), whole(undefined)],
    },
    'two Deployments divide one route by their own shares': {
      weights: [40, 60],
      shares: [50, 100],
      expect: [divided(20, 20), divided(0, 60)],
    },
    'a canary at 0 has its half ready': { weights: [1], shares: [0], expect: [divided(1, 0)] },
  };
  it.each(Object.entries(cases))('%s', (_name, { weights, shares, expect: expected }) => {
    expect(divideWeights(weights, shares)).toEqual(expected);
  });
});

describe('joining them again', () => {
  const cases: Record<string, { portions: Portion[]; expect: Weight[] }> = {
    'a lone 100 is taken for none stated': { portions: [divided(80, 20)], expect: [undefined] },
    'a scaled route is scaled back': { portions: [divided(2640, 660), whole(6700)], expect: [33, 67] },
    'an unscaled route is not': { portions: [divided(45, 5), whole(50)], expect: [50, 50] },
  };
  it.each(Object.entries(cases))('%s', (_name, { portions, expect: expected }) => {
    expect(joinWeights(portions)).toEqual(expected);
  });
});

const weight = fc.option(fc.constantFrom(0, 1, 33, 50, 99, 100), { nil: undefined });
const share = fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined });
const route = fc.array(fc.tuple(weight, share), { minLength: 1, maxLength: 5 });

const effective = (weights: Weight[]): number[] =>
  weights.length === 1 ? [weights[0] || 100] : weights.map((each) => each ?? 0);
const sizeOf = (portion: Portion): number =>
  portion.kind === 'whole' ? (portion.weight ?? 0) : portion.primary + portion.canary;
const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0);

describe('whatever the weights', () => {
  it('every destination keeps its share of the route, in integers, and the canary has the percentage asked', () => {
    fc.assert(
      fc.property(route, (entries) => {
        const weights = entries.map(([each]) => each);
        const before = effective(weights);
        const shares = entries.map(([, each]) => each);
        const portions = divideWeights(weights, shares);
        if (portions.every(({ kind }) => kind === 'whole')) return;
        const total = sum(portions.map(sizeOf));
        for (const [index, portion] of portions.entries()) {
          expect(sizeOf(portion) * sum(before)).toBe(before[index]! * total);
          expect(Number.isInteger(sizeOf(portion))).toBe(true);
          if (portion.kind === 'whole') continue;
          expect(Number.isInteger(portion.canary)).toBe(true);
          expect(portion.canary * 100).toBe(sizeOf(portion) * shares[index]!);
          expect(sizeOf(portion)).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('joining keeps every share, even where the form has to be guessed', () => {
    fc.assert(
      fc.property(route, (entries) => {
        const weights = entries.map(([each]) => each);
        const portions = divideWeights(
          weights,
          entries.map(([, each]) => each),
        );
        const before = effective(weights);
        const after = effective(joinWeights(portions));
        for (const index of before.keys())
          expect(after[index]! * sum(before)).toBe(before[index]! * sum(after));
      }),
    );
  });
});
