import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Ports for the lab's programs, which several labs on one machine never share.

// Below those that systems give to outgoing connections, so that a program that starts again finds its port still free.
const FIRST_PORT = 20_000;
const PORTS = 10_000;
let nextPort = Math.floor(Math.random() * PORTS);

/** Ports that were free a moment ago, each claimed by this process until it ends: another lab may start right now. */
export const freePorts = async (count: number): Promise<number[]> => {
  mkdirSync(CLAIMS, { recursive: true });
  const ports: number[] = [];
  for (let tried = 0; tried < PORTS; tried += 1) {
    if (ports.length === count) return ports;
    const port = FIRST_PORT + (nextPort++ % PORTS);
    if (claim(port) && (await isFree(port))) ports.push(port);
  }
  throw new Error(`lab: no ${count} free ports from ${FIRST_PORT} to ${FIRST_PORT + PORTS}`);
};

const CLAIMS = join(tmpdir(), 'kanari-lab-ports');
const claims = new Set<string>();
process.on('exit', () => {
  for (const file of claims) rmSync(file, { force: true });
});

const isAlive = (pid: number): boolean => {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** False where a living process has it. */
const claim = (port: number): boolean => {
  const file = join(CLAIMS, String(port));
  try {
    if (existsSync(file)) {
      const owner = readFileSync(file, 'utf8');
      // Empty: being written this moment.
      if (owner === '' || isAlive(Number(owner))) return false;
      rmSync(file, { force: true });
    }
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch {
    // Somebody else was faster.
    return false;
  }
  claims.add(file);
  return true;
};

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
