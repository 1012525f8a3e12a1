import { join } from 'node:path';
import { installAdmission } from './admission.ts';
import type { Lab } from './lab.ts';
import { freePorts } from './ports.ts';
import { type LabProcess, startProcess } from './process.ts';

// Kanari itself, as a process of its own with only the rights of manifests/base/rbac.

export interface KanariOptions {
  /** Undefined: no metrics server; Kubernetes' own signals decide. */
  prometheusUrl?: string;
  /** Default 2s: proxies of the lab learn in milliseconds. */
  propagationWait?: string;
  /** Default 1s. */
  lookInterval?: string;
  logLevel?: string;
  /** Installs `manifests/failsafe`: the webhook may be away. Default false. */
  failsafe?: boolean;
  /** Of certificates that somebody else renews; default: Kanari issues its own. */
  certDir?: string;
  /** File of metrics servers, alert providers and outbound limits. */
  integrations?: string;
  /** One of several behind an address; the webhook configuration is installed already. */
  replica?: { identity: string; webhookUrl: string };
}

export interface Kanari {
  pid: number;
  /** Where it serves reviews itself, whatever address is registered. */
  webhookPort: number;
  /** Base URL of `/metrics`, `/healthz` and `/readyz`. */
  operationsUrl: string;
  logFile: string;
  /** SIGTERM, as a rolling update of Kanari would. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** The same process anew, on the same ports; resolves when it is ready. */
  start(): Promise<void>;
  /** The same, and does not wait: the scheduler works before admission is ready. */
  spawn(): void;
}

const ROOT = join(import.meta.dirname, '..');
const READY_MS = 120_000;
/** A kubelet's: killed before it has drained, it would drop the calls under way. */
const STOP_GRACE_MS = 30_000;

/** Installs what concerns admission and starts Kanari; resolves once it is ready. */
export const startKanari = async (lab: Lab, options: KanariOptions = {}): Promise<Kanari> => {
  const { replica } = options;
  if (replica === undefined) await installAdmission(lab, { failsafe: options.failsafe === true });
  const [webhookPort = 0, metricsPort = 0] = await freePorts(2);
  // One process at a time has the default, so a restarted one takes up its own Lease at once.
  const identity = replica?.identity ?? 'kanari-lab';
  const logFile = join(lab.dir, replica === undefined ? 'kanari.log' : `${identity}.log`);
  const operationsUrl = `http://127.0.0.1:${metricsPort}`;
  const flags = {
    kubeconfig: lab.kanariKubeconfig,
    'webhook-url': replica?.webhookUrl ?? `https://127.0.0.1:${webhookPort}`,
    'webhook-port': String(webhookPort),
    'metrics-port': String(metricsPort),
    namespace: 'kanari-system',
    identity,
    // One replica has nobody to hand over to.
    'shutdown-delay': replica === undefined ? '0s' : '3s',
    'propagation-wait': options.propagationWait ?? '2s',
    'look-interval': options.lookInterval ?? '1s',
    'log-level': options.logLevel ?? 'info',
    ...(options.certDir === undefined ? {} : { 'cert-dir': options.certDir }),
    ...(options.integrations === undefined ? {} : { integrations: options.integrations }),
    ...(options.prometheusUrl === undefined ? {} : { 'prometheus-url': options.prometheusUrl }),
  };
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  let running: LabProcess | undefined;

  const launch = (): LabProcess => {
    running = startProcess({
      name: identity,
      program: process.execPath,
      args: ['--import', 'tsx', join(ROOT, 'src', 'main.ts'), ...args],
      logFile,
      cwd: ROOT,
      stopGraceMs: STOP_GRACE_MS,
    });
    return running;
  };
  const ready = async (): Promise<boolean> => (await fetch(`${operationsUrl}/readyz`)).ok;
  const start = (): Promise<void> => launch().waitUntil(ready, READY_MS);
  await start();
  lab.onStop(async () => running?.stop());
  return {
    get pid() {
      return running?.pid ?? 0;
    },
    webhookPort,
    operationsUrl,
    logFile,
    stop: async () => running?.stop(),
    kill: async () => running?.kill(),
    start,
    spawn: () => void launch(),
  };
};
