import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

// Long-running programs of the lab. Each is ended by its own pid, also when this process exits or is told to.

export interface ProcessOptions {
  /** Named in messages. */
  name: string;
  program: string;
  args: readonly string[];
  /** Gets stdout and stderr, appended. */
  logFile: string;
  cwd?: string;
  /** Added to this process' own. */
  env?: Record<string, string>;
  /** From SIGTERM to SIGKILL. Default 5000 ms. */
  stopGraceMs?: number;
}

export interface LabProcess {
  name: string;
  pid: number;
  /** Polls until `isReady` resolves to true (a rejection counts as false). Rejects, with the log's tail, when the program ends first or at the deadline. */
  waitUntil(isReady: () => Promise<boolean>, deadlineMs: number): Promise<void>;
  /** SIGTERM, and SIGKILL once its grace is over. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>;
}

const STOP_GRACE_MS = 5000;
const POLL_MS = 50;

/** Its unexpected end is reported on stderr with the tail of its log. */
export const startProcess = (options: ProcessOptions): LabProcess => {
  const { name, program, args, logFile, cwd, stopGraceMs = STOP_GRACE_MS } = options;
  const env = { ...process.env, ...options.env };
  const log = openSync(logFile, 'a');
  // Detached: a Ctrl-C in the terminal is for the program that started it, which ends it in order.
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  killAtExit(child);
  let stopping = false;
  let ended = false;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', resolve).once('error', () => resolve());
  }).then(async () => {
    ended = true;
    if (!stopping) console.error(await describeEnd(name, child, logFile));
  });
  const waitUntil = async (isReady: () => Promise<boolean>, deadlineMs: number): Promise<void> => {
    const deadline = Date.now() + deadlineMs;
    while (!(await isReady().catch(() => false))) {
      if (ended) throw new Error(await describeEnd(name, child, logFile));
      if (Date.now() > deadline) {
        throw new Error(`${name} was not ready after ${deadlineMs} ms\n${await tailOf(logFile)}`);
      }
      await sleep(POLL_MS);
    }
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    if (ended) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopGraceMs);
    await exited;
    clearTimeout(timer);
  };
  const kill = async (): Promise<void> => {
    stopping = true;
    if (!ended) child.kill('SIGKILL');
    await exited;
  };
  return { name, pid: child.pid ?? 0, waitUntil, stop, kill };
};

const describeEnd = async (name: string, child: ChildProcess, logFile: string): Promise<string> =>
  `lab: ${name} ended (${child.signalCode ?? `exit code ${child.exitCode ?? 'unknown'}`}); last lines of ${logFile}:\n${await tailOf(logFile)}`;

const tailOf = async (file: string): Promise<string> =>
  (await readFile(file, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-15).join('\n');

const running = new Set<ChildProcess>();
let hooked = false;

const killAtExit = (child: ChildProcess): void => {
  running.add(child);
  child.once('exit', () => running.delete(child));
  if (hooked) return;
  hooked = true;
  process.on('exit', killRunning);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, endBy);
};

// An exit handler cannot wait, so there is no grace here.
const killRunning = (): void => {
  for (const child of running) child.kill('SIGKILL');
};

// With another listener the program means to end in its own way, and the exit handler does the rest.
const endBy = (signal: NodeJS.Signals): void => {
  if (process.listenerCount(signal) > 0) return;
  killRunning();
  process.kill(process.pid, signal);
};
