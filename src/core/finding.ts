import { isDecided, SEQUENTIAL_ALPHA } from './e-value.ts';
import { figure } from './figures.ts';
import type { Verdict } from './run.ts';
import type { Standing } from './standing.ts';

// What comes of a standing, by either way to judge it. A limit missed by chance is no failure, and too few requests are
// no verdict.

/** A version exactly at its limit fails one check in ten at most; a run needs several failed checks to roll back. */
const CHANCE = 0.1;

/** Below it nobody cares for the digits. */
const BEYOND_DOUBT = 0.001;

export interface Finding {
  verdict: Verdict;
  /** In words, how far chance may explain it. */
  confidence: string;
  /** Enough requests, and still undecided. */
  undecided?: true;
}

/** There are too few requests for any verdict. */
export const isWaiting = ({ verdict, undecided }: Finding): boolean =>
  verdict === 'inconclusive' && undecided === undefined;

const TOO_FEW: Finding = { verdict: 'inconclusive', confidence: 'too few requests to tell' };

const inWords = (chance: number): string => {
  if (chance < BEYOND_DOUBT) return 'beyond doubt (p < 0.001)';
  const p = `p = ${chance.toFixed(chance < 0.01 ? 3 : 2)}`;
  return chance <= CHANCE ? `unlikely by chance (${p})` : `within chance (${p})`;
};

/** `analysis: threshold`: a check by itself. */
export const byThreshold = (standing: Standing, enough: boolean): Finding => {
  const { exceeds, chanceOfMore, chanceOfFewer, impossible } = standing;
  if (impossible) return { verdict: 'fail', confidence: 'beyond doubt (none is tolerated)' };
  if (!enough) return TOO_FEW;
  const verdict = exceeds && chanceOfMore <= CHANCE ? 'fail' : 'pass';
  return { verdict, confidence: inWords(exceeds ? chanceOfMore : chanceOfFewer) };
};

/** What `analysis: sequential` looks at beside the last requests. */
export interface SoFar {
  /** All since the evidence began. */
  whole: Standing;
  /** Natural logarithm of the e-value. */
  logE: number;
}

const eValue = (logE: number): string => {
  const e = Math.exp(logE);
  return e < 0.01 ? 'E < 0.01' : `E = ${figure(Number(e.toPrecision(2)))}`;
};

/** `analysis: sequential`: not before the evidence is strong enough. */
export const sequentially = (standing: Standing, enough: boolean, { whole, logE }: SoFar): Finding => {
  if (isDecided({ logE }, SEQUENTIAL_ALPHA))
    return { verdict: 'fail', confidence: `beyond doubt (${eValue(logE)})` };
  if (!enough) return TOO_FEW;
  // The posterior mean with a prior worth one request and centred on the limit: within it just when the share is.
  return standing.exceeds || whole.exceeds
    ? { verdict: 'inconclusive', confidence: `undecided (${eValue(logE)})`, undecided: true }
    : { verdict: 'pass', confidence: `within the limit (${eValue(logE)})` };
};
