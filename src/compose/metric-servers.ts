import type { CustomMetricReader } from '../analysis/custom-metrics.ts';
import type { MetricProvider } from '../analysis/metric-provider.ts';
import { createPrometheusProvider } from '../analysis/prometheus.ts';
import type { Shared } from './shared.ts';

const TIMEOUT_MS = 5_000;

/** What the built-in metrics are read from; undefined where no server is configured. */
export const createMetricProvider = ({ config, log, metrics }: Shared): MetricProvider | undefined => {
  const { prometheusUrl } = config;
  if (prometheusUrl === undefined) return undefined;
  return createPrometheusProvider({
    url: prometheusUrl,
    log,
    timeoutMs: TIMEOUT_MS,
    onQuery: (outcome) => metrics.metricQueries.inc({ outcome }),
  });
};

/** What the users' own metrics are read from. */
export const createCustomMetrics = (_shared: Shared): CustomMetricReader => ({
  read: () => Promise.resolve(new Map()),
});
