import { spawn } from 'node:child_process';

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  stdin?: string;
  /** Ends the command with SIGTERM. */
  signal?: AbortSignal;
}

export interface CommandResult {
  stdout: string;
  stderr: string;
  /** 1 also when a signal ended it. */
  code: number;
}

/** Runs a program to its end. Rejects only when it could not be started, or the signal aborted. */
export const runCommand = (
  program: string,
  args: readonly string[],
  { cwd, env, stdin, signal }: CommandOptions = {},
): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: env ?? process.env, signal });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ stdout: join(stdout), stderr: join(stderr), code: code ?? 1 }));
    // A program that ends without reading its input is no error of ours.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin ?? '');
  });

const join = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8');
