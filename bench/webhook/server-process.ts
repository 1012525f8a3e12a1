import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface ServerProcess {
  name: string;
  port: number;
  /** Processor time that the whole process, every thread of it, has used: seconds. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** What the kernel counts in; the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

// User and system time are the 14th and 15th field; the second, a name in parentheses, may contain spaces.
const cpuSecondsOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [utime = 0, stime = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (utime + stime) / TICKS_PER_SECOND;
};

const portFrom = async (name: string, child: ChildProcess): Promise<number> => {
  if (child.stdout === null) throw new Error(`${name}: no output to read its port from`);
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${name} ended before it listened`);
  });
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  ended.catch(() => undefined);
  return Number(line);
};

/** Starts a program whose first line of output is the port it listens on. */
export const startServer = async (
  name: string,
  program: string,
  args: readonly string[],
): Promise<ServerProcess> => {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const port = await portFrom(name, child);
  const stop = async (): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  };
  return { name, port, cpuSeconds: () => cpuSecondsOf(child.pid ?? 0), stop };
};
