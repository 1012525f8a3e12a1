import type { FastPath } from './run.ts';

// The always-on fast path: an e-process that may be looked at after every scrape without spending certainty.
//
// Under "at most e0 of the trials fail", each likelihood ratio against a higher rate, and so their mean, is a
// supermartingale that starts at 1. Ville's inequality: the chance that it ever reaches 1/alpha is at most alpha.

/** Chance, over a whole run however often it is looked at, to convict a version that keeps its limit. */
export const ALPHA = 0.001;

const DECIDED_AT = Math.log(1 / ALPHA);

/** One look multiplies E by 10 at most, so that no single burst decides; capping keeps the supermartingale. */
const MAX_GROWTH = Math.log(10);

const RATES = 64;
const LOWEST_RATIO = 1.5;
const HIGHEST_RATE = 0.9;

/** A tolerance of nothing at all would make the first failure infinitely telling; one in a million is close enough. */
const LEAST_TOLERANCE = 1e-6;

/** Sums of logarithms carry rounding: three looks of ×10 are 1,000. */
const ROUNDING = 1e-9;

export const newFastPath = (): FastPath => ({ n: 0, x: 0, logE: 0 });

/** Equal-weight mixture, in logarithms, of the likelihood ratios of 64 log-spaced failure rates against `e0`. */
const logMixture = (n: number, x: number, e0: number): number => {
  const lowest = Math.log(LOWEST_RATIO * e0);
  const stride = (Math.log(HIGHEST_RATE) - lowest) / (RATES - 1);
  const terms = Array.from({ length: RATES }, (_, i) => {
    const rate = Math.exp(lowest + stride * i);
    return x * Math.log(rate / e0) + (n - x) * (Math.log1p(-rate) - Math.log1p(-e0));
  });
  const largest = Math.max(...terms);
  const sum = terms.reduce((total, term) => total + Math.exp(term - largest), 0);
  return largest + Math.log(sum / RATES);
};

/**
 * The fast path after one more look that saw `look.n` new trials, `look.x` of them failed. `e0` is the share of
 * failures that is tolerated. With 0.6 or more tolerated there is no outage to find: it only counts.
 */
export const advanceFastPath = (state: FastPath, look: { n: number; x: number }, e0: number): FastPath => {
  if (look.n <= 0) return state;
  const n = state.n + look.n;
  const x = state.x + Math.min(Math.max(look.x, 0), look.n);
  if (e0 >= HIGHEST_RATE / LOWEST_RATIO) return { n, x, logE: state.logE };
  const tolerance = Math.max(e0, LEAST_TOLERANCE);
  const growth = logMixture(n, x, tolerance) - logMixture(state.n, state.x, tolerance);
  return { n, x, logE: state.logE + Math.min(growth, MAX_GROWTH) };
};

/** The failures seen so far are, beyond doubt, more than is tolerated. */
export const fastPathDecided = (state: FastPath): boolean => state.logE >= DECIDED_AT - ROUNDING;
