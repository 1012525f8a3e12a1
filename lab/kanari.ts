import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { freePorts, type LabProcess, startProcess } from './process.ts';

// Kanari itself, as a process of its own with only the rights of manifests/rbac.

export interface KanariOptions {
  /** Undefined: no metrics server; Kubernetes' own signals decide. */
  prometheusUrl?: string;
  /** Default 2s: proxies of the lab learn in milliseconds. */
  propagationWait?: string;
  /** Default 1s. */
  lookInterval?: string;
  logLevel?: string;
}

export interface Kanari {
  pid: number;
  /** Base URL of `/metrics`, `/healthz` and `/readyz`. */
  operationsUrl: string;
  logFile: string;
  /** SIGTERM, as a rolling update of Kanari would. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** The same process anew, on the same ports; resolves when it is ready. */
  start(): Promise<void>;
}

const ROOT = join(import.meta.dirname, '..');
const READY_MS = 60_000;

/** Installs the webhook configuration and starts Kanari; resolves once it is ready. */
export const startKanari = async (lab: Lab, options: KanariOptions = {}): Promise<Kanari> => {
  const webhook = await readFile(join(ROOT, 'manifests', 'webhook.yaml'), 'utf8');
  await lab.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { stdin: webhook });
  const [webhookPort = 0, metricsPort = 0] = await freePorts(2);
  const logFile = join(lab.dir, 'kanari.log');
  const operationsUrl = `http://127.0.0.1:${metricsPort}`;
  const flags = {
    kubeconfig: lab.kanariKubeconfig,
    'webhook-url': `https://127.0.0.1:${webhookPort}`,
    'webhook-port': String(webhookPort),
    'metrics-port': String(metricsPort),
    namespace: 'kanari-system',
    // One process at a time has it here, so a restarted one takes up its own Lease at once.
    identity: 'kanari-lab',
    // One replica has nobody to hand over to.
    'shutdown-delay': '0s',
    'propagation-wait': options.propagationWait ?? '2s',
    'look-interval': options.lookInterval ?? '1s',
    'log-level': options.logLevel ?? 'info',
    ...(options.prometheusUrl === undefined ? {} : { 'prometheus-url': options.prometheusUrl }),
  };
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  let running: LabProcess | undefined;

  const start = async (): Promise<void> => {
    running = startProcess({
      name: 'kanari',
      program: process.execPath,
      args: ['--import', 'tsx', join(ROOT, 'src', 'main.ts'), ...args],
      logFile,
      cwd: ROOT,
    });
    const ready = async (): Promise<boolean> => (await fetch(`${operationsUrl}/readyz`)).ok;
    await running.waitUntil(ready, READY_MS);
  };
  await start();
  lab.onStop(async () => running?.stop());
  return {
    get pid() {
      return running?.pid ?? 0;
    },
    operationsUrl,
    logFile,
    stop: async () => running?.stop(),
    kill: async () => running?.kill(),
    start,
  };
};
