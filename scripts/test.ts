import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { prepareLab } from '../lab/prepare.ts';

// Runs the checks, then the suites; counts each check as one test. The last line is for people and for CI.

interface Tally {
  passed: number;
  failed: number;
  /** What failed and why, told again at the end: the output is long. */
  failures?: string[];
}

const CHECKS: [string, string[]][] = [
  ['format', ['biome', 'check', '.']],
  ['types', ['tsc', '--noEmit']],
  ['lint', ['eslint', '.']],
  ['build', ['tsc', '-p', 'tsconfig.build.json']],
];

/** Some have to run in a network namespace, where the lab's pods have their real addresses. */
const SUITES = [
  { project: 'unit' },
  { project: 'lab' },
  { project: 'load' },
  { project: 'traffic' },
  { project: 'gateway', ownNetwork: true },
];

const PROGRAMS = join('node_modules', '.bin');
const OWN_NETWORK = join('scripts', 'in-own-network.sh');

const run = (command: string, args: string[]): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });

const check = async (name: string, [command = '', ...args]: string[]): Promise<Tally> => {
  console.log(`\n── ${name}`);
  const code = await run(join(PROGRAMS, command), args);
  console.log(code === 0 ? `${name}: ok` : `${name}: FAILED`);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
};

/** Before the suites, so that a first build's progress is seen and no test waits for it. */
const prepare = async (): Promise<Tally> => {
  console.log('\n── programs of the lab');
  try {
    await prepareLab();
    console.log('programs: ok');
    return { passed: 1, failed: 0 };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.log('programs: FAILED');
    return { passed: 0, failed: 1 };
  }
};

interface VitestReport {
  numPassedTests: number;
  testResults: FileResult[];
}

interface FileResult {
  name: string;
  status: string;
  /** Of a file that fails before its first test. */
  message: string;
  assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
}

const failuresOf = ({ name, status, message, assertionResults }: FileResult): string[] => {
  const file = relative(process.cwd(), name);
  if (status === 'failed' && assertionResults.length === 0) return [`${file}\n${message}`];
  return assertionResults
    .filter((result) => result.status === 'failed')
    .map(({ fullName, failureMessages }) => [`${file}: ${fullName}`, ...failureMessages].join('\n'));
};

interface Suite {
  project: string;
  ownNetwork?: boolean;
}

const suite = async ({ project, ownNetwork = false }: Suite, dir: string): Promise<Tally> => {
  console.log(`\n── ${project} tests`);
  const file = join(dir, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const vitest = [join(PROGRAMS, 'vitest'), 'run', '--project', project, ...reporters];
  const [command = '', ...args] = ownNetwork ? [OWN_NETWORK, ...vitest] : vitest;
  const code = await run(command, args);
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
    const failures = report.testResults.flatMap(failuresOf);
    const failed = failures.length === 0 && code !== 0 ? 1 : failures.length;
    return { passed: report.numPassedTests, failed, failures };
  } catch (error) {
    console.error(`${project}: no report: ${String(error)}`);
    return { passed: 0, failed: 1 };
  }
};

const dir = mkdtempSync(join(tmpdir(), 'kanari-test-'));
const tallies: Tally[] = [];
for (const [name, command] of CHECKS) tallies.push(await check(name, command));
tallies.push(await prepare());
for (const each of SUITES) tallies.push(await suite(each, dir));
rmSync(dir, { recursive: true, force: true });

const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
for (const failure of tallies.flatMap(({ failures = [] }) => failures)) console.log(`\n✗ ${failure}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
