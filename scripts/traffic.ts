import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CellResult, RESULTS_FILE } from '../test/lab/traffic/results.ts';
import { resultTable } from './traffic/table.ts';

// Runs the traffic matrix, prints its table, and keeps it in docs/.

const PAGE = join('docs', 'traffic-results.md');

const HEAD = `# Traffic: results

What \`npm run test:traffic\` came to: clients send 200 requests a second and more in all, half of them on connections of
their own. Those of Istio and replicas come through two proxies that never try twice; one learns of routes 0.3 s late, the
other 1 s. How a cell is judged is told in [traffic.md](traffic.md).
`;

const VITEST = join('node_modules', '.bin', 'vitest');

/** Columns by what they need: pods behind a Gateway have to have their real addresses. */
const RUNS: readonly string[][] = [
  [VITEST, 'run', '--project', 'traffic'],
  [
    join('scripts', 'in-own-network.sh'),
    VITEST,
    'run',
    '--project',
    'gateway',
    'test/lab/gateway/traffic.test.ts',
  ],
];

const run = ([program = '', ...args]: string[], file: string): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, [RESULTS_FILE]: file } });
    child.on('error', (error) => {
      console.error(`${program}: ${error.message}`);
      resolve(1);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });

const resultsIn = (file: string): CellResult[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as CellResult)
    : [];

const dir = mkdtempSync(join(tmpdir(), 'kanari-traffic-'));
const file = join(dir, 'results.jsonl');
const codes: number[] = [];
for (const command of RUNS) codes.push(await run(command, file));
const code = Math.max(...codes);
const table = resultTable(resultsIn(file));
rmSync(dir, { recursive: true, force: true });
console.log(`\n${table}\n`);
if (code === 0) {
  writeFileSync(PAGE, `${HEAD}\n${table}\n`);
  console.log(`kept in ${PAGE}`);
}
process.exitCode = code;
