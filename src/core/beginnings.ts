import type { Beginning } from './counts.ts';
import { logSum } from './log-sum.ts';

// An outage that begins late has all the clean evidence before it to make up for. One e-process over the whole run is
// therefore mixed with one that begins at each verdict and is stopped at the next. The weights are fixed and add up to 1,
// a stopped e-process stays one, and one that has yet to begin stands at 1: so the mixture is an e-process as well.

const LOG_WHOLE = Math.log(0.9);
const LOG_LATE = Math.log(0.1);

/** ln of 1/(k(k+1)), the part of what is for late outages that the process begun at the k-th verdict has. */
const logPart = (k: number): number => -Math.log(k) - Math.log(k + 1);

const logOf = ({ verdicts, logBefore = Number.NEGATIVE_INFINITY }: Beginning, logLatest: number): number =>
  logSum([logBefore, logPart(verdicts) + logLatest]);

/**
 * Natural logarithm of the mixture.
 * @param logWhole ln of the process over the whole run
 * @param latest the beginning at the last verdict, and ln of the process since; undefined before the first verdict
 */
export const logMixed = (
  logWhole: number,
  latest: { beginning: Beginning; logValue: number } | undefined,
): number => {
  if (latest === undefined) return logSum([LOG_WHOLE + logWhole, LOG_LATE]);
  const { beginning, logValue } = latest;
  // The parts after the k-th add up to 1/(k+1).
  const logYetToBegin = -Math.log(beginning.verdicts + 1);
  return logSum([LOG_WHOLE + logWhole, LOG_LATE + logSum([logOf(beginning, logValue), logYetToBegin])]);
};

/** The next beginning: the process since the last one is stopped at `logValue`. */
export const nextBeginning = (last: Beginning | undefined, logValue: number): Beginning =>
  last === undefined ? { verdicts: 1 } : { verdicts: last.verdicts + 1, logBefore: logOf(last, logValue) };
