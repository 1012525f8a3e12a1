import { binomialTail } from './binomial.ts';
import type { Trials } from './counts.ts';
import { MARGIN } from './relative-e-process.ts';

/** How trials stand to what is asked of them. */
export interface Standing {
  /** The share of failures is higher than it may be. */
  exceeds: boolean;
  /** How probable so many failures or more, or so many or fewer, are for a version exactly at its limit. */
  chanceOfMore: number;
  chanceOfFewer: number;
  /** There is a failure where none at all is tolerated: no chance has part in that. */
  impossible: boolean;
}

const chances = (x: number, n: number, p: number) => ({
  chanceOfMore: binomialTail(x, n, p),
  chanceOfFewer: 1 - binomialTail(x + 1, n, p),
});

/** Against the tolerated share of failures. */
export const againstLimit = ({ n, x }: Trials, tolerated: number): Standing => ({
  exceeds: x > n * tolerated,
  ...chances(x, n, tolerated),
  impossible: tolerated === 0 && x > 0,
});

/** Against the primary's share of the same time, times the margin. */
export const againstPrimary = (canary: Trials, primary: Trials): Standing => {
  const weighed = MARGIN * canary.n;
  return {
    exceeds: canary.x * primary.n > MARGIN * primary.x * canary.n,
    // Of the failures of both, this part falls on a canary whose share is just as high as it may be.
    ...chances(canary.x, canary.x + primary.x, weighed / (weighed + primary.n)),
    impossible: false,
  };
};
