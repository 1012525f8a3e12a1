import { setMaxListeners } from 'node:events';
import { createPrometheusProvider } from './analysis/prometheus.ts';
import { createCertificateFiles } from './certs/certificate-files.ts';
import { createKeyringSecret } from './certs/keyring-secret.ts';
import { createKeyringSource } from './certs/keyring-source.ts';
import { type CertRotator, createRotator } from './certs/rotator.ts';
import { type Config, parseConfig } from './config.ts';
import { UNGATED_REASONS } from './core/conditions.ts';
import { keyOf } from './core/objects.ts';
import { createEventRecorder, type EventRecorder } from './kube/events.ts';
import { loadCredentials } from './kube/kube-config.ts';
import { createElector, type Elector } from './kube/lease.ts';
import { askOwnUsername } from './kube/own-user.ts';
import { createReader } from './kube/reader.ts';
import { createRest } from './kube/rest.ts';
import { systemTiming } from './kube/timing.ts';
import { createWriter } from './kube/writer.ts';
import { createManager, type Manager } from './manager.ts';
import { createScheduler, type SchedulerOptions } from './scheduler/scheduler.ts';
import { allSynced } from './scheduler/stores.ts';
import { hasSplit } from './scheduler/wake.ts';
import { createHealth, type Health } from './telemetry/health.ts';
import { createLog, type Logger } from './telemetry/log.ts';
import { collectProcessMetrics, createMetrics, type Metrics } from './telemetry/metrics.ts';
import { createIstioRouter } from './traffic/istio.ts';
import { createPassiveRouter } from './traffic/replica-ratio.ts';
import { selectProvider } from './traffic/select-router.ts';
import { createWatches } from './watches.ts';
import { createOperationsApp, createWebhookApp } from './webhook/app.ts';
import { createDeploymentDecision, type DeploymentDecisionPorts } from './webhook/deployment-decision.ts';
import { createHandler } from './webhook/handler.ts';
import type { Decide } from './webhook/review.ts';
import { createRouteDecision } from './webhook/route-decision.ts';
import { createOperationsServer, createWebhookServer, type WebhookServer } from './webhook/server.ts';
import { tellOnce } from './webhook/tell-once.ts';

// The composition root: every part is made here, once, and given what it needs.

const DRAIN_MS = 20_000;
/** A watch that has been silent for longer than its idle deadline and a reconnect is not fresh. */
const STALE_MS = 180_000;
const METRICS_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 30_000;

const connect = async (config: Config, log: Logger) => {
  const credentials = await loadCredentials({ kubeconfigPath: config.kubeconfig });
  const rest = createRest({ credentials, userAgent: 'kanari', log });
  const reader = createReader(rest);
  const writer = createWriter(rest);
  return { rest, reader, writer };
};

/** What the parts share. */
interface Shared extends Awaited<ReturnType<typeof connect>>, ReturnType<typeof createWatches> {
  config: Config;
  log: Logger;
  metrics: Metrics;
  health: Health;
  recorder: EventRecorder;
  ownUsername: string;
}

const createRouters = ({ reader, writer, log, stores }: Shared): SchedulerOptions['routerFor'] => {
  const istio = createIstioRouter({ stores, writer, reader, log });
  const passive = { replicas: createPassiveRouter('replicas'), none: createPassiveRouter('none') };
  return ({ key, settings, namespace, services }) => {
    // Without a Service there may still be routes to give back, of one that was deleted; and a split that stands is
    // Istio's to the end, though the setting may have changed.
    if (services.length === 0 || hasSplit(stores, key)) return istio;
    const at = namespace.metadata.name;
    const provider = selectProvider({
      setting: settings.traffic,
      namespace,
      services: services.map((service) => service.metadata.name),
      virtualServices: stores.virtualServices.inNamespace(at),
      destinationRules: stores.destinationRules.inNamespace(at),
    });
    return provider === 'istio' ? istio : passive[provider];
  };
};

/** Told in the log, in a counter and in an Event: nothing is ungated silently. */
const tellUngated = ({ metrics, log, recorder }: Shared): DeploymentDecisionPorts['onUngated'] => {
  return (deployment, reason) => {
    const message = `released without a canary: ${UNGATED_REASONS[reason]}`;
    metrics.ungatedChanges.inc({ reason });
    log.warn({ rollout: keyOf(deployment), reason }, message);
    void recorder.record(deployment, { type: 'Warning', reason, message });
  };
};

const createAdmission = (shared: Shared, draining: () => boolean): WebhookServer => {
  const { config, log, metrics, health, stores, ownUsername } = shared;
  const handler = (decide: Decide) => createHandler({ decide, log, metrics, now: () => performance.now() });
  const decideDeployment = createDeploymentDecision({
    namespaces: stores.namespaces,
    replicaSets: stores.replicaSets,
    ownUsername: () => ownUsername,
    metricsConfigured: config.prometheusUrl !== undefined,
    onUngated: tellOnce(tellUngated(shared), () => performance.now()),
  });
  const handlers = {
    '/mutate': handler(decideDeployment),
    '/mutate-routes': handler(createRouteDecision(() => ownUsername)),
  };
  const refused = (reason: string): void => metrics.webhookRefused.inc({ reason });
  const app = createWebhookApp({
    handlers,
    log,
    health,
    registry: metrics.registry,
    onRefused: refused,
  });
  return createWebhookServer({
    app,
    port: config.webhookPort,
    log,
    draining,
    onDropped: () => refused('TooManyConnections'),
  });
};

const createCertificates = (
  { config, log, metrics, reader, writer }: Shared,
  server: WebhookServer,
): CertRotator =>
  createRotator({
    reader,
    writer,
    log,
    now: systemTiming.now,
    sleep: systemTiming.sleep,
    namespace: config.namespace,
    webhookUrl: config.webhookUrl,
    source:
      config.certDir === undefined
        ? createKeyringSource(createKeyringSecret(reader, writer, config.namespace), log)
        : createCertificateFiles(config.certDir, log),
    serve: ({ cert, key, expiresAt }) => {
      server.use({ cert, key });
      metrics.certificateExpiry.set(expiresAt.getTime() / 1_000);
    },
  });

/** The scheduler, run by the one process that holds the Lease. */
const createLeader = (shared: Shared): Elector => {
  const { config, log, metrics, recorder, reader, writer, stores } = shared;
  const { prometheusUrl, propagationWaitMs, lookIntervalMs } = config;
  const scheduler = createScheduler({
    stores,
    routerFor: createRouters(shared),
    provider:
      prometheusUrl === undefined
        ? undefined
        : createPrometheusProvider({
            url: prometheusUrl,
            log,
            timeoutMs: METRICS_TIMEOUT_MS,
            onQuery: (outcome) => metrics.metricQueries.inc({ outcome }),
          }),
    effects: {
      reader,
      writer,
      sleep: systemTiming.sleep,
      now: () => new Date(),
      ungated: tellUngated(shared),
      record: (objects, event) => {
        for (const object of objects) void recorder.record(object, event);
      },
    },
    operator: { propagationWaitMs, lookIntervalMs },
    log,
    fence: () => elector.fence(),
    onReconciled: ({ seconds, failed }) => {
      metrics.reconcileDuration.observe(seconds);
      if (failed) metrics.reconcileErrors.inc();
      metrics.queueDepth.set(scheduler.waiting());
      metrics.activeRuns.set(scheduler.activeRuns());
    },
    onEnded: (outcome) => metrics.runs.inc({ outcome }),
  });
  const elector = createElector({
    writer,
    reader,
    lease: { namespace: config.namespace, name: 'kanari' },
    identity: config.identity,
    log,
    onStartedLeading: async (signal) => {
      metrics.leader.set(1);
      await scheduler.run(signal);
      metrics.leader.set(0);
    },
  });
  return elector;
};

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

const compose = async (config: Config, log: Logger, shutdown: AbortSignal) => {
  const metrics = createMetrics();
  collectProcessMetrics(metrics.registry);
  const connection = await connect(config, log);
  const connecting = AbortSignal.any([shutdown, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
  const ownUsername = await askOwnUsername(connection.writer, connecting);
  const { identity, namespace } = config;
  log.info({ user: ownUsername, namespace, identity }, 'connected to the API server');
  const shared: Shared = {
    ...connection,
    ...createWatches(connection.rest, log),
    config,
    log,
    metrics,
    health: createHealth(),
    ownUsername,
    recorder: createEventRecorder({
      writer: connection.writer,
      component: 'kanari',
      instance: identity,
      clock: systemTiming.now,
      log,
      signal: shutdown,
    }),
  };
  const manager = createManager({
    log,
    sleep: systemTiming.sleep,
    quietMs: config.shutdownDelayMs,
    drainMs: DRAIN_MS,
  });
  addRunnables(shared, manager);
  return { manager, close: () => connection.rest.close() };
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
  const { manager, close } = await compose(config, log, shutdown.signal);
  const code = await manager.run(shutdown.signal);
  close();
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
