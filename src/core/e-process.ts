import { logMixed, nextBeginning } from './beginnings.ts';
import { logSum } from './log-sum.ts';
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

/** What one failure, and one trial that passes, adds to the logarithm of a likelihood ratio. */
interface Alternative {
  failure: number;
  pass: number;
}

/** 64 log-spaced failure rates, against `e0`. */
const alternatives = (e0: number): Alternative[] => {
  const tolerated = Math.max(e0, LEAST_TOLERANCE);
  const lowest = Math.log(LOWEST_RATIO * tolerated);
  const stride = (Math.log(HIGHEST_RATE) - lowest) / (RATES - 1);
  return Array.from({ length: RATES }, (_, i) => {
    const logRate = lowest + stride * i;
    return {
      failure: logRate - Math.log(tolerated),
      pass: Math.log1p(-Math.exp(logRate)) - Math.log1p(-tolerated),
    };
  });
};

/** Equal-weight mixture, in logarithms, of the likelihood ratios. */
const logRatios = (n: number, x: number, against: readonly Alternative[]): number =>
  logSum(against.map(({ failure, pass }) => x * failure + (n - x) * pass)) - Math.log(against.length);

/** With 0.6 or more tolerated there is no outage to find. */
const hasOutages = (e0: number): boolean => e0 < HIGHEST_RATE / LOWEST_RATIO;

/** The process since the last verdict; undefined before the first. */
const sinceVerdict = ({ n, x, latest }: FastPath, against: readonly Alternative[]) =>
  latest && { beginning: latest, logValue: logRatios(n - latest.n, x - latest.x, against) };

const logProcess = (state: FastPath, against: readonly Alternative[]): number =>
  logMixed(logRatios(state.n, state.x, against), sinceVerdict(state, against));

/**
 * The fast path after one more look that saw `look.n` new trials, `look.x` of them failed. `e0` is the share of
 * failures that is tolerated. With 0.6 or more tolerated there is no outage to find: it only counts.
 */
export const advanceFastPath = (state: FastPath, look: { n: number; x: number }, e0: number): FastPath => {
  if (look.n <= 0) return state;
  const n = state.n + look.n;
  const x = state.x + Math.min(Math.max(look.x, 0), look.n);
  const next: FastPath = { ...state, n, x };
  if (!hasOutages(e0)) return next;
  const against = alternatives(e0);
  const growth = logProcess(next, against) - logProcess(state, against);
  return { ...next, logE: state.logE + Math.min(growth, MAX_GROWTH) };
};

/** The fast path from a verdict on: one more process begins there. Nothing was looked at since the last: the same. */
export const atVerdict = (state: FastPath, e0: number): FastPath => {
  const { n, x, latest } = state;
  if (n === (latest?.n ?? 0) || !hasOutages(e0)) return state;
  const logValue = sinceVerdict(state, alternatives(e0))?.logValue ?? 0;
  return { ...state, latest: { ...nextBeginning(latest, logValue), n, x } };
};

/** The failures seen so far are, beyond doubt, more than is tolerated. */
export const fastPathDecided = (state: FastPath): boolean => state.logE >= DECIDED_AT - ROUNDING;
