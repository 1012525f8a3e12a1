// Tail of the binomial distribution, exact enough to decide with up to 10^7 trials.

/** ln Γ(n + 1) up to here is summed; beyond it Stirling's series is exact to a double. */
const SUMMED_UP_TO = 32;

/** A term this small against the sum so far can no longer change a double. */
const NEGLIGIBLE = 1e-17;

/** Natural logarithm of n!, n a whole number. */
const logFactorial = (n: number): number => {
  if (n <= SUMMED_UP_TO) {
    let sum = 0;
    for (let k = 2; k <= n; k++) sum += Math.log(k);
    return sum;
  }
  const z = n + 1;
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1260 * z ** 5);
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series;
};

/** Natural logarithm of P[Binomial(n, p) = k], 0 < p < 1. */
const logProbability = (k: number, n: number, p: number): number =>
  logFactorial(n) -
  logFactorial(k) -
  logFactorial(n - k) +
  k * Math.log(p) +
  // log1p: with p = 1e-6 and n = 1e7, log(1 - p) would lose the digits that matter.
  (n - k) * Math.log1p(-p);

/** P[Binomial(n, p) ≥ x] for x at or above the mean: terms only shrink on the way up. */
const sumUpwards = (x: number, n: number, p: number): number => {
  let term = Math.exp(logProbability(x, n, p));
  let sum = term;
  for (let k = x; k < n && term > sum * NEGLIGIBLE; k++) {
    term *= ((n - k) / (k + 1)) * (p / (1 - p));
    sum += term;
  }
  return sum;
};

/** P[Binomial(n, p) ≤ x] for x below the mean: terms only shrink on the way down. */
const sumDownwards = (x: number, n: number, p: number): number => {
  let term = Math.exp(logProbability(x, n, p));
  let sum = term;
  for (let k = x; k > 0 && term > sum * NEGLIGIBLE; k--) {
    term *= (k / (n - k + 1)) * ((1 - p) / p);
    sum += term;
  }
  return sum;
};

/**
 * P[Binomial(n, p) ≥ x]: how probable so many failures or more are if each of `n` trials fails with probability `p`.
 * Sums the side that is away from the mean, so the number of terms grows with √n and not with n.
 */
export const binomialTail = (x: number, n: number, p: number): number => {
  if (x <= 0) return 1;
  if (x > n || p <= 0) return 0;
  if (p >= 1) return 1;
  const tail = x >= n * p ? sumUpwards(x, n, p) : 1 - sumDownwards(x - 1, n, p);
  return Math.min(1, Math.max(0, tail));
};
