/** ln Σ exp(term), without overflow; −Infinity of none. */
export const logSum = (terms: readonly number[]): number => {
  const largest = terms.reduce((most, term) => Math.max(most, term), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(largest)) return largest;
  return largest + Math.log(terms.reduce((total, term) => total + Math.exp(term - largest), 0));
};
