import type { CellResult } from '../../test/lab/traffic/results.ts';

// The table of the traffic matrix, from the results of its cells.

/** Cells end in any order; the table has one. */
const unique = (values: readonly string[]): string[] =>
  [...new Set(values)].sort((one, other) => one.localeCompare(other));

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

const sharesOf = ({ shares }: CellResult): string =>
  shares.map(({ weight, share, requests }) => `${weight} % → ${share} % of ${requests}`).join('; ');

const wordsFor = (cell: CellResult): string =>
  [
    `${cell.failures} of ${cell.requests} failed`,
    ...(cell.canaryErrors === 0 ? [] : [`${plural(cell.canaryErrors, '500')} of the canary's`]),
    ...(cell.shares.length === 0 ? [] : [sharesOf(cell)]),
    ...(cell.passed ? [] : ['**FAILED**']),
  ].join('; ');

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** A table in Markdown: scenarios down, columns across, `–` where a cell did not run. */
export const resultTable = (results: readonly CellResult[]): string => {
  const columns = unique(results.map(({ column }) => column));
  const cellFor = (scenario: string, column: string): string => {
    const cell = results.find((each) => each.scenario === scenario && each.column === column);
    return cell === undefined ? '–' : wordsFor(cell);
  };
  return [
    row(['scenario', ...columns]),
    row(['---', ...columns.map(() => '---')]),
    ...unique(results.map(({ scenario }) => scenario)).map((scenario) =>
      row([scenario, ...columns.map((column) => cellFor(scenario, column))]),
    ),
  ].join('\n');
};
