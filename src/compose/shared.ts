import type { Config } from '../config.ts';
import { UNGATED_REASONS, type UngatedReason } from '../core/conditions.ts';
import { type Deployment, keyOf } from '../core/objects.ts';
import { loadIntegrations } from '../integrations/file.ts';
import type { Integrations, MetricServerConfig } from '../integrations/schema.ts';
import { createEventRecorder, type EventRecorder } from '../kube/events.ts';
import { loadCredentials } from '../kube/kube-config.ts';
import { withDeadline } from '../kube/linked-signal.ts';
import { askOwnUsername } from '../kube/own-user.ts';
import { createReader } from '../kube/reader.ts';
import { createRest } from '../kube/rest.ts';
import { systemTiming } from '../kube/timing.ts';
import { createWriter } from '../kube/writer.ts';
import { createHealth, type Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/log.ts';
import { collectProcessMetrics, createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { metricServersOf } from './metric-servers.ts';
import { createWatches } from './watches.ts';

const CONNECT_TIMEOUT_MS = 30_000;

const connect = async (config: Config, log: Logger) => {
  const credentials = await loadCredentials({ kubeconfigPath: config.kubeconfig });
  const rest = createRest({ credentials, userAgent: 'kanari', log });
  const reader = createReader(rest);
  const writer = createWriter(rest);
  return { rest, reader, writer, apiServer: credentials.server };
};

/** What the parts share. */
export interface Shared extends Awaited<ReturnType<typeof connect>>, ReturnType<typeof createWatches> {
  config: Config;
  integrations: Integrations;
  metricServers: MetricServerConfig[];
  log: Logger;
  metrics: Metrics;
  health: Health;
  recorder: EventRecorder;
  ownUsername: string;
}

/** Connects, and makes what everything else is given. Rejects when the API server can not be reached. */
export const createShared = async (config: Config, log: Logger, shutdown: AbortSignal): Promise<Shared> => {
  const metrics = createMetrics();
  collectProcessMetrics(metrics.registry);
  const integrations = await loadIntegrations(config.integrationsFile);
  const metricServers = metricServersOf(config, integrations);
  const connection = await connect(config, log);
  const ownUsername = await withDeadline(shutdown, CONNECT_TIMEOUT_MS, (connecting) =>
    askOwnUsername(connection.writer, connecting),
  );
  const { identity, namespace } = config;
  log.info({ user: ownUsername, namespace, identity }, 'connected to the API server');
  return {
    ...connection,
    ...createWatches(connection.rest, log),
    config,
    integrations,
    metricServers,
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
};

/** Told in the log, in a counter and in an Event: nothing is ungated silently. */
export const tellUngated = ({ metrics, log, recorder }: Shared) => {
  return (deployment: Deployment, reason: UngatedReason): void => {
    const message = `released without a canary: ${UNGATED_REASONS[reason]}`;
    metrics.ungatedChanges.inc({ reason });
    log.warn({ rollout: keyOf(deployment), reason }, message);
    void recorder.record(deployment, { type: 'Warning', reason, message });
  };
};
