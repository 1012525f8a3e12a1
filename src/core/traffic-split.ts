// Weighted destinations divided between primary and canary, whatever mesh routes them.

/** A destination's weight as its route states it; undefined where the route states none. */
export type Weight = number | undefined;

/** What becomes of one destination: left whole (its weight scaled with its route's), or divided in two. */
export type Portion =
  | { kind: 'whole'; weight: Weight }
  | { kind: 'divided'; primary: number; canary: number };

/** Makes integers of every percentage of an integer weight. */
const SCALE = 100;

/** An only destination takes everything, whatever it states; among several, no weight means no traffic. */
const effectiveWeights = (weights: readonly Weight[]): number[] =>
  weights.length === 1 ? [weights[0] || 100] : weights.map((weight) => weight ?? 0);

/**
 * Divides the weights of one route.
 * @param weights of all its destinations, integers, in order
 * @param canaryShares percent (integer, 0–100) of each destination for the canary; undefined: not ours, kept whole
 * @returns integers; every destination keeps its share of the route. A destination without traffic stays whole: its
 * halves would be 0/0, which meshes take for "no weights given".
 */
export const divideWeights = (
  weights: readonly Weight[],
  canaryShares: readonly (number | undefined)[],
): Portion[] => {
  const effective = effectiveWeights(weights);
  const divides = effective.every((weight, index) => (weight * (canaryShares[index] ?? 0)) % 100 === 0);
  const scale = divides ? 1 : SCALE;
  return weights.map((stated, index) => {
    const weight = (effective[index] ?? 0) * scale;
    const share = canaryShares[index];
    if (share === undefined || weight === 0) {
      return { kind: 'whole', weight: stated === undefined ? undefined : stated * scale };
    }
    const canary = (weight * share) / 100;
    return { kind: 'divided', primary: weight - canary, canary };
  });
};

/**
 * The likeliest weights from before `divideWeights`. Shares are always right; whether a lone 100 was stated, and
 * whether all weights were multiples of the scale already, can't be told from the outcome.
 */
export const joinWeights = (portions: readonly Portion[]): Weight[] => {
  const sums = portions.map((portion) =>
    portion.kind === 'whole' ? portion.weight : portion.primary + portion.canary,
  );
  if (sums.length === 1 && sums[0] === 100) return [undefined];
  const total = sums.reduce<number>((sum, weight) => sum + (weight ?? 0), 0);
  const scaled = total > 100 && sums.every((weight) => (weight ?? 0) % SCALE === 0);
  return scaled ? sums.map((weight) => (weight === undefined ? undefined : weight / SCALE)) : sums;
};
