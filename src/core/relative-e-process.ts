import { logMixed, nextBeginning } from './beginnings.ts';
import type { RelativePath, Trials } from './counts.ts';
import { raised } from './e-value.ts';
import { logSum } from './log-sum.ts';

// The fast path of a comparison (Lindon, Sanden, Shirikian 2022): may the canary's share of failures be the primary's,
// times the margin at most?
//
// Of the failures of both sides, a part r·n_c / (r·n_c + n_p) falls on the canary where its share is r times the
// primary's. Each look takes the requests of its own time, so that a change of the weights in between, or of what both
// sides suffer alike, speaks neither for nor against the canary.

/** The canary's share of failures may be so many times the primary's. */
export const MARGIN = 1.5;

const RATIOS = 16;
const LOWEST_RATIO = 2;
const HIGHEST_RATIO = 1_000;

/** Log-spaced, what is looked for. */
const ratios: readonly number[] = Array.from(
  { length: RATIOS },
  (_, i) => LOWEST_RATIO * (HIGHEST_RATIO / LOWEST_RATIO) ** (i / (RATIOS - 1)),
);

const NONE: Trials = { n: 0, x: 0 };

export const newRelativePath = (): RelativePath => ({
  pending: { canary: NONE, primary: NONE },
  logs: ratios.map(() => 0),
  logE: 0,
});

const sum = (a: Trials, b: Trials): Trials => ({ n: a.n + b.n, x: a.x + b.x });

const logMean = (logs: readonly number[]): number => logSum(logs) - Math.log(logs.length);

const sinceVerdict = ({ logs, latest }: RelativePath) =>
  latest && {
    beginning: latest,
    logValue: logMean(logs.map((log, i) => log - (latest.logs[i] ?? 0))),
  };

const logProcess = (state: RelativePath): number => logMixed(logMean(state.logs), sinceVerdict(state));

/** ln of the likelihood ratio that failures among so many requests give a ratio, against the margin. */
const logRatio = (ratio: number, canary: Trials, primary: Trials): number =>
  canary.x * Math.log(ratio / MARGIN) +
  (canary.x + primary.x) * Math.log((MARGIN * canary.n + primary.n) / (ratio * canary.n + primary.n));

/** The process after one more look at both sides. What came of one side alone waits for the other. */
export const advanceRelative = (
  state: RelativePath,
  look: { canary: Trials; primary: Trials },
): RelativePath => {
  const canary = sum(state.pending.canary, look.canary);
  const primary = sum(state.pending.primary, look.primary);
  if (canary.n === 0 || primary.n === 0) return { ...state, pending: { canary, primary } };
  const logs = state.logs.map((log, i) => log + logRatio(ratios[i] ?? MARGIN, canary, primary));
  const next: RelativePath = { ...state, pending: { canary: NONE, primary: NONE }, logs };
  return { ...next, logE: raised(state.logE, logProcess(next) - logProcess(state)) };
};

/** The process from a verdict on: one more begins there. Nothing was told since the last: the same. */
export const relativeAtVerdict = (state: RelativePath): RelativePath => {
  const last = state.latest?.logs ?? ratios.map(() => 0);
  if (state.logs.every((log, i) => log === last[i])) return state;
  const beginning = nextBeginning(state.latest, sinceVerdict(state)?.logValue ?? 0);
  return { ...state, latest: { ...beginning, logs: state.logs } };
};
