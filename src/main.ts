import { setMaxListeners } from 'node:events';
import type { CertRotator } from './certs/rotator.ts';
import { createAdmission, createCertificates } from './compose/admission.ts';
import { createLeader } from './compose/leader.ts';
import { createShared, type Shared } from './compose/shared.ts';
import { type Config, parseConfig } from './config.ts';
import { systemTiming } from './kube/timing.ts';
import { createManager, type Manager } from './manager.ts';
import { allSynced } from './scheduler/stores.ts';
import { createLog } from './telemetry/log.ts';
import { createOperationsApp } from './webhook/app.ts';
import { createOperationsServer } from './webhook/server.ts';

// The program: what runs, in which order, and how it ends. The parts are made in compose/, each once.

const DRAIN_MS = 20_000;
/** A watch that has been silent for longer than its idle deadline and a reconnect is not fresh. */
const STALE_MS = 180_000;

const addReadiness = (
  { health, metrics, stores, reflectors }: Shared,
  manager: Manager,
  rotator: CertRotator,
) => {
  for (const { kind, reflector } of reflectors) {
    health.addReadiness(`watch-${kind}`, () => {
      const last = reflector.lastMessageAt();
      if (last === undefined) return 'not listed yet';
      metrics.reflectorLastMessage.set({ kind }, last / 1_000);
      const silentMs = systemTiming.now() - last;
      return silentMs > STALE_MS ? `silent for ${Math.round(silentMs / 1_000)} s` : undefined;
    });
  }
  health.addReadiness('caches', () => (allSynced(stores) ? undefined : 'not all kinds are listed yet'));
  health.addReadiness('certificate', rotator.problem, rotator.note);
  health.addReadiness('shutdown', () => (manager.draining() ? 'shutting down' : undefined));
};

/** Starts in this order and stops in the reverse one: the webhook serves until all else has ended. */
const addRunnables = (shared: Shared, manager: Manager): void => {
  const { config, log, metrics, health, reflectors } = shared;
  const server = createAdmission(shared, manager.draining);
  const rotator = createCertificates(shared, server);
  const leader = createLeader(shared);
  addReadiness(shared, manager, rotator);
  for (const { kind, reflector } of reflectors)
    manager.add(`watch-${kind}`, (signal) => reflector.run(signal));
  manager.add('webhook', (signal) => server.run(signal));
  manager.add('certificates', (signal) => rotator.run(signal));
  if (config.metricsPort > 0) {
    const app = createOperationsApp({ log, health, registry: metrics.registry });
    const operations = createOperationsServer({ app, port: config.metricsPort, log });
    manager.add('metrics', (signal) => operations.run(signal));
  }
  manager.add('scheduler', (signal) => leader.run(signal));
};

const run = async (config: Config): Promise<0 | 1> => {
  const log = createLog(config.logLevel);
  const shutdown = new AbortController();
  // Every runnable and every call under way listens to it; that is no leak.
  setMaxListeners(0, shutdown.signal);
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info({ signal: name }, 'shutting down');
      shutdown.abort();
    });
  }
  const shared = await createShared(config, log, shutdown.signal);
  const manager = createManager({
    log,
    sleep: systemTiming.sleep,
    quietMs: config.shutdownDelayMs,
    drainMs: DRAIN_MS,
  });
  addRunnables(shared, manager);
  const code = await manager.run(shutdown.signal);
  shared.rest.close();
  return code;
};

const parsed = parseConfig(process.argv.slice(2), process.env);
if (parsed.ok === 'help') {
  process.stdout.write(parsed.help);
} else if (parsed.ok) {
  process.exitCode = await run(parsed.config).catch((error: unknown) => {
    process.stderr.write(
      `kanari: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return 1;
  });
  // Sockets of calls given up may still be open; everything that matters has ended.
  process.exit();
} else {
  for (const violation of parsed.violations) process.stderr.write(`kanari: ${violation}\n`);
  process.stderr.write('kanari: --help explains every flag\n');
  process.exitCode = 2;
}
