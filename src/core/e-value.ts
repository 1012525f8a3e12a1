// How an e-value grows, and when it is enough. By Ville's inequality the chance that one ever reaches 1/alpha, under what
// it speaks against, is at most alpha, however often it is looked at.

/** Chance, over a whole run, that the fast path convicts a version that keeps its limit. */
export const OUTAGE_ALPHA = 0.001;

/** The same, where `analysis: sequential` asks for less. */
export const SEQUENTIAL_ALPHA = 0.01;

/** One look multiplies E by 10 at most, so that no single burst decides; capping keeps the supermartingale. */
const MAX_GROWTH = Math.log(10);

/** Sums of logarithms carry rounding: three looks of ×10 are 1,000. */
const ROUNDING = 1e-9;

/** ln E after a look that multiplies the process by e^`growth`. */
export const raised = (logE: number, growth: number): number => logE + Math.min(growth, MAX_GROWTH);

export const isDecided = ({ logE }: { logE: number }, alpha: number): boolean =>
  logE >= Math.log(1 / alpha) - ROUNDING;
