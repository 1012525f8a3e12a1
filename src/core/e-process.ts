import { logMixed, nextBeginning } from './beginnings.ts';
import type { FastPath, Trials } from './counts.ts';
import { raised } from './e-value.ts';
import { logSum } from './log-sum.ts';

// The always-on fast path: an e-process that may be looked at after every scrape without spending certainty.
//
// Under "at most e0 of the trials fail", each likelihood ratio against a higher rate, and so their mean, is a
// supermartingale that starts at 1. Ville's inequality: the chance that it ever reaches 1/alpha is at most alpha.

const RATES = 64;
const LOWEST_RATIO = 1.5;
const HIGHEST_RATE = 0.9;

/** A tolerance of nothing at all would make the first failure infinitely telling; one in a million is close enough. */
const LEAST_TOLERANCE = 1e-6;

export const newFastPath = (): FastPath => ({ n: 0, x: 0, logE: 0 });

/** What one failure, and one trial that passes, adds to the logarithm of a likelihood ratio. */
interface Alternative {
  failure: number;
  pass: number;
}

/** 64 log-spaced failure rates, against `e0`. */
const spread = (e0: number): Alternative[] => {
  const [logE0, logPass] = [Math.log(e0), Math.log1p(-e0)];
  const lowest = Math.log(LOWEST_RATIO) + logE0;
  const stride = (Math.log(HIGHEST_RATE) - lowest) / (RATES - 1);
  return Array.from({ length: RATES }, (_, i) => {
    const logRate = lowest + stride * i;
    return { failure: logRate - logE0, pass: Math.log1p(-Math.exp(logRate)) - logPass };
  });
};

/** By tolerated share: a few per cluster, and most of what a look would compute. */
const known = new Map<number, Alternative[]>();

const alternatives = (e0: number): Alternative[] => {
  const tolerated = Math.max(e0, LEAST_TOLERANCE);
  const found = known.get(tolerated) ?? spread(tolerated);
  known.set(tolerated, found);
  return found;
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
export const advanceFastPath = (state: FastPath, look: Trials, e0: number): FastPath => {
  if (look.n <= 0) return state;
  const n = state.n + look.n;
  const x = state.x + Math.min(Math.max(look.x, 0), look.n);
  const next: FastPath = { ...state, n, x };
  if (!hasOutages(e0)) return next;
  const against = alternatives(e0);
  const growth = logProcess(next, against) - logProcess(state, against);
  return { ...next, logE: raised(state.logE, growth) };
};

/** The fast path from a verdict on: one more process begins there. Nothing was looked at since the last: the same. */
export const atVerdict = (state: FastPath, e0: number): FastPath => {
  const { n, x, latest } = state;
  if (n === (latest?.n ?? 0) || !hasOutages(e0)) return state;
  const logValue = sinceVerdict(state, alternatives(e0))?.logValue ?? 0;
  return { ...state, latest: { ...nextBeginning(latest, logValue), n, x } };
};
