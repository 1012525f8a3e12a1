import type { CANARY, PRIMARY } from './marks.ts';

// Weighted destinations divided between primary and canary, whatever routes them.

export type Side = typeof PRIMARY | typeof CANARY;

/** A destination's weight as its route states it; undefined where the route states none. */
export type Weight = number | undefined;

/** What becomes of one destination: left whole (its weight scaled with its route's), or divided in two. */
export type Portion =
  | { kind: 'whole'; weight: Weight }
  | { kind: 'divided'; primary: number; canary: number };

/** How the API of a route reads weights. */
export interface WeightRules {
  /** What a destination weighs that states nothing. */
  unstated: number;
  /** What an only destination weighs, stated 0 or nothing; undefined: as among others. */
  alone: number | undefined;
  /** The largest weight it accepts. */
  max: number;
}

/** Makes integers of every percentage of an integer weight. */
const SCALE = 100;

const effectiveWeights = (weights: readonly Weight[], { unstated, alone }: WeightRules): number[] =>
  weights.length === 1 && alone !== undefined
    ? [weights[0] || alone]
    : weights.map((weight) => weight ?? unstated);

const scaleOf = (
  effective: readonly number[],
  canaryShares: readonly (number | undefined)[],
  { max }: WeightRules,
): number => {
  const divides = effective.every((weight, index) => (weight * (canaryShares[index] ?? 0)) % 100 === 0);
  return divides || Math.max(...effective) * SCALE > max ? 1 : SCALE;
};

/**
 * Divides the weights of one route.
 * @param weights of all its destinations, integers, in order
 * @param canaryShares percent (integer, 0–100) of each destination for the canary; undefined: not ours, kept whole
 * @returns integers; every destination keeps its share of the route. Where weights are too large to be scaled, the
 * canary's is rounded down. A destination without traffic stays whole: its halves would be 0/0, which meshes take for
 * "no weights given".
 */
export const divideWeights = (
  weights: readonly Weight[],
  canaryShares: readonly (number | undefined)[],
  rules: WeightRules,
): Portion[] => {
  const effective = effectiveWeights(weights, rules);
  const scale = scaleOf(effective, canaryShares, rules);
  return weights.map((stated, index) => {
    const weight = (effective[index] ?? 0) * scale;
    const share = canaryShares[index];
    if (share === undefined || weight === 0) {
      return { kind: 'whole', weight: scale === 1 || weight === 0 ? stated : weight };
    }
    const canary = Math.floor((weight * share) / 100);
    return { kind: 'divided', primary: weight - canary, canary };
  });
};

/**
 * The likeliest weights from before `divideWeights`. Shares are always right; whether a lone weight was stated, and
 * whether all weights were multiples of the scale already, can't be told from the outcome.
 */
export const joinWeights = (portions: readonly Portion[], { alone, unstated }: WeightRules): Weight[] => {
  const sums = portions.map((portion) =>
    portion.kind === 'whole' ? portion.weight : portion.primary + portion.canary,
  );
  if (sums.length === 1 && sums[0] === alone) return [undefined];
  const total = sums.reduce<number>((sum, weight) => sum + (weight ?? unstated), 0);
  const scaled = total > (alone ?? 0) && sums.every((weight) => (weight ?? unstated) % SCALE === 0);
  return scaled ? sums.map((weight) => (weight === undefined ? undefined : weight / SCALE)) : sums;
};
