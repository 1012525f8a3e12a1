import type { PhaseCounts } from '../../lab/load.ts';
import type { Claim } from './claims.ts';

const HEADER = ['phase', 'seconds', 'requests', 'failed', 'answered by'];

/** One row for each phase of the load, and one for all. */
export const summaryTable = (phases: readonly PhaseCounts[]): string => {
  const sum = (of: (phase: PhaseCounts) => number): number =>
    phases.reduce((total, phase) => total + of(phase), 0);
  const rows = phases.map((phase) => [
    phase.phase,
    phase.seconds.toFixed(0),
    String(phase.requests),
    String(phase.failures),
    versionsOf(phase),
  ]);
  const total = [
    sum(({ seconds }) => seconds).toFixed(0),
    ...[sum(({ requests }) => requests), sum(({ failures }) => failures)].map(String),
  ];
  return aligned([HEADER, ...rows, ['all', ...total, '']]);
};

const versionsOf = ({ versions }: PhaseCounts): string =>
  Object.entries(versions)
    .map(([version, { requests }]) => `${version === 'none' ? 'no version' : version} ${requests}`)
    .join(', ');

/** Figures stand to the right of their column, words to the left. */
const aligned = (rows: readonly string[][]): string => {
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const cell = (text: string, column: number): string =>
    column >= 1 && column <= 3 ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
};

export const claimLines = (claims: readonly Claim[]): string =>
  claims
    .flatMap(({ text, holds, details }) => [
      `  ${holds ? 'yes' : 'NO '}  ${text}`,
      ...details.map((detail) => `         ${detail}`),
    ])
    .join('\n');
