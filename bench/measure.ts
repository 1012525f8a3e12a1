export interface Benchmark {
  name: string;
  /** What is measured, once. */
  run: () => unknown;
}

export interface Figures {
  name: string;
  perSecond: number;
  /** Microseconds. */
  p50: number;
  p99: number;
}

const WARM_UP_MS = 500;
const MEASURE_MS = 2_000;

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;

/** Runs it for about two seconds on this thread, after half a second that does not count. */
export const measure = ({ name, run }: Benchmark): Figures => {
  const warm = performance.now() + WARM_UP_MS;
  while (performance.now() < warm) run();
  const times: number[] = [];
  const begin = performance.now();
  while (performance.now() - begin < MEASURE_MS) {
    const start = performance.now();
    run();
    times.push((performance.now() - start) * 1_000);
  }
  const perSecond = (times.length / (performance.now() - begin)) * 1_000;
  const sorted = times.sort((a, b) => a - b);
  return { name, perSecond, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
};

export const printTable = (rows: readonly Figures[]): void => {
  const cells = rows.map(({ name, perSecond, p50, p99 }) => [
    name,
    Math.round(perSecond).toLocaleString('en'),
    `${p50.toFixed(0)} µs`,
    `${p99.toFixed(0)} µs`,
  ]);
  const table = [['', 'per second', 'p50', 'p99'], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table) {
    const padded = row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
    );
    console.log(`  ${padded.join('   ')}`);
  }
};
