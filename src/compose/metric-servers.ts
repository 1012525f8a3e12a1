import type { CustomMetricReader } from '../analysis/custom-metrics.ts';
import { createCustomMetricReader, DEFAULT_SERVER } from '../analysis/custom-reader.ts';
import { createMetricClient, type MetricClient } from '../analysis/metric-client.ts';
import type { MetricProvider } from '../analysis/metric-provider.ts';
import { createPrometheusProvider } from '../analysis/prometheus.ts';
import type { Config } from '../config.ts';
import type { Integrations, MetricServerConfig } from '../integrations/schema.ts';
import { systemTiming } from '../kube/timing.ts';
import type { Shared } from './shared.ts';

const TIMEOUT_MS = 5_000;

/**
 * Every metrics server of the operator's configuration. `--prometheus-url` is the short way to name the default one.
 * @throws Error that names both places when the default server is given twice
 */
export const metricServersOf = (config: Config, integrations: Integrations): MetricServerConfig[] => {
  const { prometheusUrl: url, integrationsFile = 'the file' } = config;
  const servers = [...integrations.metricServers];
  if (url === undefined) return servers;
  const twice = servers.findIndex(({ name }) => name === DEFAULT_SERVER);
  if (twice >= 0) {
    throw new Error(
      `the default metrics server is given twice, by --prometheus-url and by metricServers[${twice}] of ${integrationsFile}: expected one of them (example: leave --prometheus-url out)`,
    );
  }
  return [{ name: DEFAULT_SERVER, type: 'prometheus', url, headers: {}, headerFiles: {} }, ...servers];
};

/** Whether there is a server for the built-in metrics. */
export const metricsConfigured = ({ metricServers }: Pick<Shared, 'metricServers'>): boolean =>
  metricServers.some(({ name }) => name === DEFAULT_SERVER);

/** A client for each server, by its name: connections and credentials are shared by all who ask. */
export const createMetricClients = ({ metricServers, log, metrics }: Shared): Map<string, MetricClient> => {
  const onQuery = (outcome: string): void => metrics.metricQueries.inc({ outcome });
  return new Map(
    metricServers.map((server) => [
      server.name,
      createMetricClient(server, { timeoutMs: TIMEOUT_MS, log, onQuery }),
    ]),
  );
};

/** What the built-in metrics are read from; undefined where no server is configured. */
export const createMetricProvider = (
  { integrations }: Shared,
  clients: Map<string, MetricClient>,
): MetricProvider | undefined => {
  const client = clients.get(DEFAULT_SERVER);
  const { querySets } = integrations;
  return client === undefined ? undefined : createPrometheusProvider({ client, querySets });
};

/** What the users' own metrics are read from. */
export const createCustomMetrics = (
  { metricServers }: Shared,
  clients: Map<string, MetricClient>,
): CustomMetricReader =>
  createCustomMetricReader({
    servers: new Map(
      metricServers.flatMap(({ name, type }) => {
        const client = clients.get(name);
        return client === undefined ? [] : [[name, { type, client }] as const];
      }),
    ),
    now: () => new Date(systemTiming.now()),
  });
