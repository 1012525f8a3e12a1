import { ascending, quantile } from './quantile.ts';
import { startTable } from './table.ts';

export interface Benchmark {
  name: string;
  /** What is measured, once. */
  run: () => unknown;
}

interface Figures {
  name: string;
  perSecond: number;
  /** Microseconds. */
  p50: number;
  p99: number;
}

const WARM_UP_MS = 500;
const MEASURE_MS = 2_000;

/** Runs it for about two seconds on this thread, after half a second that does not count. */
const measure = ({ name, run }: Benchmark): Figures => {
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
  const sorted = ascending(times);
  return { name, perSecond, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
};

/** Measures one after the other and prints what came out. */
export const runBenchmarks = (title: string, benchmarks: readonly Benchmark[]): void => {
  console.log(`\n${title}`);
  const table = startTable(
    ['per second', 'p50', 'p99'],
    benchmarks.map(({ name }) => name),
  );
  for (const benchmark of benchmarks) {
    const { name, perSecond, p50, p99 } = measure(benchmark);
    const count = Math.round(perSecond).toLocaleString('en');
    table.add([name, count, `${p50.toFixed(0)} µs`, `${p99.toFixed(0)} µs`]);
  }
};
