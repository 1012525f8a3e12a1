import { seededRandom } from '../test/core/random.ts';
import { ascending, quantile } from './quantile.ts';
import { type Canary, fixedRule, type Judge, kanari } from './simulated-run.ts';
import { startTable } from './table.ts';

// What the verdicts are worth: simulated runs with fixed seeds, so that the figures are the same on every machine.

const RUNS = 300;

const JUDGES: Readonly<Record<string, Judge>> = {
  'fixed rule': fixedRule,
  'Kanari, threshold': kanari(),
  'Kanari, sequential': kanari({ analysis: 'sequential' }),
  'Kanari, compare: primary': kanari({ compare: 'primary' }),
};

const SUCCESS_RATES = [99.5, 99, 98.5, 98, 95, 90, 50];
const PER_CHECK = [20, 99, 500];

const HEADING = ['rolled back', 'promoted', 'waiting', 'requests'];

const share = (part: number): string => `${((100 * part) / RUNS).toFixed(1)} %`;

/** Shares of how runs end, and the median of the canary's requests from `from` on until it is withdrawn. */
const figuresOf = (judge: Judge, canary: Canary, from = 0): string[] => {
  const random = seededRandom(1);
  const ends = Array.from({ length: RUNS }, () => judge(canary, random));
  const countOf = (outcome: string): number => ends.filter((end) => end.outcome === outcome).length;
  const withdrawn = ascending(
    ends.filter(({ outcome }) => outcome === 'rolled back').map(({ requests }) => requests - from),
  );
  return [
    share(countOf('rolled back')),
    share(countOf('promoted')),
    share(countOf('waiting')),
    withdrawn.length === 0 ? '–' : String(quantile(withdrawn, 0.5)),
  ];
};

const NAMES = SUCCESS_RATES.flatMap((rate) => Object.keys(JUDGES).map((name) => `${rate} %: ${name}`));

const steadyVersions = (perCheck: number): void => {
  console.log(`versions at a limit of 99 %, ${perCheck} requests a check`);
  const table = startTable(HEADING, NAMES);
  for (const rate of SUCCESS_RATES)
    for (const [name, judge] of Object.entries(JUDGES))
      table.add([`${rate} %: ${name}`, ...figuresOf(judge, { rate: () => 1 - rate / 100, perCheck })]);
};

/** Outages that begin when so many requests were served without one. */
const lateOutages = (perCheck: number): void => {
  const clean = 8 * perCheck;
  console.log(`an outage after ${clean} requests at 99.9 %, ${perCheck} requests a check`);
  const table = startTable(HEADING, NAMES);
  for (const rate of [95, 90, 50]) {
    const canary: Canary = { rate: (served) => (served < clean ? 0.001 : 1 - rate / 100), perCheck };
    for (const [name, judge] of Object.entries(JUDGES))
      table.add([`${rate} %: ${name}`, ...figuresOf(judge, canary, clean)]);
  }
};

/** How runs end by the share of requests that their version answers. */
export const benchmarkAnalysis = (): void => {
  for (const perCheck of PER_CHECK) steadyVersions(perCheck);
  for (const perCheck of [99, 1_000]) lateOutages(perCheck);
};
