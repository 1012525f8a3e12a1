import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  divideWeights,
  joinWeights,
  type Portion,
  type Weight,
  type WeightRules,
} from '../../src/core/traffic-split.ts';

/** Istio's. */
const MESH: WeightRules = { unstated: 0, alone: 100, max: 2 ** 31 - 1 };
/** The Gateway API's. */
const GATEWAY: WeightRules = { unstated: 1, alone: undefined, max: 1_000_000 };

const whole = (weight: Weight): Portion => ({ kind: 'whole', weight });
const divided = (primary: number, canary: number): Portion => ({ kind: 'divided', primary, canary });

interface Case {
  weights: Weight[];
  shares: (number | undefined)[];
  /** Default: a mesh's. */
  rules?: WeightRules;
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
    'at a gateway, an only destination without weight counts as 1 like any other': {
      weights: [undefined],
      shares: [20],
      rules: GATEWAY,
      expect: [divided(80, 20)],
    },
    'at a gateway, weight 0 is no traffic even for an only destination': {
      weights: [0],
      shares: [20],
      rules: GATEWAY,
      expect: [whole(0)],
    },
    'at a gateway, a foreign weight that is not stated is scaled as the 1 it means': {
      weights: [3, undefined],
      shares: [10, undefined],
      rules: GATEWAY,
      expect: [divided(270, 30), whole(100)],
    },
    'the largest weight that can be scaled is': {
      weights: [9_999, 10_000],
      shares: [10, undefined],
      rules: GATEWAY,
      expect: [divided(899_910, 99_990), whole(1_000_000)],
    },
    'beyond it nothing is scaled, and the canary gets less rather than more': {
      weights: [9_999, 10_001],
      shares: [10, undefined],
      rules: GATEWAY,
      expect: [divided(9_000, 999), whole(10_001)],
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { weights, shares, rules = MESH, expect: expected }) => {
    expect(divideWeights(weights, shares, rules)).toEqual(expected);
  });
});

describe('joining them again', () => {
  const cases: Record<string, { portions: Portion[]; rules?: WeightRules; expect: Weight[] }> = {
    'a lone 100 is taken for none stated': { portions: [divided(80, 20)], expect: [undefined] },
    'a scaled route is scaled back': { portions: [divided(2640, 660), whole(6700)], expect: [33, 67] },
    'an unscaled route is not': { portions: [divided(45, 5), whole(50)], expect: [50, 50] },
    'at a gateway, a lone 100 is taken for the scaled 1 that the API server states': {
      portions: [divided(80, 20)],
      rules: GATEWAY,
      expect: [1],
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { portions, rules = MESH, expect: expected }) => {
    expect(joinWeights(portions, rules)).toEqual(expected);
  });
});

const rules = fc.constantFrom(MESH, GATEWAY);
const weight = fc.option(fc.constantFrom(0, 1, 33, 50, 99, 100, 10_000), { nil: undefined });
const share = fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined });
const route = fc.array(fc.tuple(weight, share), { minLength: 1, maxLength: 5 });

const effective = (weights: Weight[], { alone, unstated }: WeightRules): number[] =>
  weights.length === 1 && alone !== undefined
    ? [weights[0] || alone]
    : weights.map((each) => each ?? unstated);
const sizeOf = (portion: Portion, { unstated }: WeightRules): number =>
  portion.kind === 'whole' ? (portion.weight ?? unstated) : portion.primary + portion.canary;
const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0);

describe('whatever the weights', () => {
  it('every destination keeps its share of the route, in integers, and the canary has the percentage asked', () => {
    fc.assert(
      fc.property(route, rules, (entries, api) => {
        const weights = entries.map(([each]) => each);
        const before = effective(weights, api);
        const shares = entries.map(([, each]) => each);
        const portions = divideWeights(weights, shares, api);
        if (portions.every(({ kind }) => kind === 'whole')) return;
        const total = sum(portions.map((each) => sizeOf(each, api)));
        for (const [index, portion] of portions.entries()) {
          const size = sizeOf(portion, api);
          expect(size * sum(before)).toBe(before[index]! * total);
          expect(Number.isInteger(size)).toBe(true);
          if (portion.kind === 'whole') continue;
          expect(Number.isInteger(portion.canary)).toBe(true);
          expect(portion.canary * 100).toBe(size * shares[index]!);
          expect(size).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('no half exceeds what the API accepts, no share of a destination moves, no canary gets more than its share', () => {
    const large = fc.integer({ min: 0, max: GATEWAY.max });
    const shared = fc.array(fc.tuple(large, share), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(shared, (entries) => {
        const weights = entries.map(([each]) => each);
        const shares = entries.map(([, each]) => each);
        const portions = divideWeights(weights, shares, GATEWAY);
        const total = sum(portions.map((each) => sizeOf(each, GATEWAY)));
        for (const [index, portion] of portions.entries()) {
          const size = sizeOf(portion, GATEWAY);
          expect(size).toBeLessThanOrEqual(GATEWAY.max);
          expect(BigInt(size) * BigInt(sum(weights))).toBe(BigInt(weights[index]!) * BigInt(total));
          if (portion.kind === 'whole') continue;
          const exact = (size * shares[index]!) / 100;
          expect(portion.canary).toBeLessThanOrEqual(exact);
          expect(portion.canary).toBeGreaterThan(exact - 1);
        }
      }),
    );
  });

  it('joining keeps every share, even where the form has to be guessed', () => {
    fc.assert(
      fc.property(route, rules, (entries, api) => {
        const weights = entries.map(([each]) => each);
        const portions = divideWeights(
          weights,
          entries.map(([, each]) => each),
          api,
        );
        const before = effective(weights, api);
        const after = effective(joinWeights(portions, api), api);
        for (const index of before.keys())
          expect(after[index]! * sum(before)).toBe(before[index]! * sum(after));
      }),
    );
  });
});
