import type { CustomMetric, CustomReading } from '../core/custom-metric.ts';
import type { ObjectKey } from '../core/objects.ts';

/** The custom metrics of one canary that are wanted. */
export interface CustomTarget {
  /** The primary Deployment's key; names the answer. */
  key: ObjectKey;
  /** Names of the Deployments that serve as primary and canary. */
  primary: string;
  canary: string;
  /** Milliseconds of the step's interval. */
  intervalMs: number;
  metrics: readonly CustomMetric[];
}

/** Port to the servers that custom metrics are asked of. Never throws for what a server does or says. */
export interface CustomMetricReader {
  read(targets: readonly CustomTarget[], signal: AbortSignal): Promise<Map<ObjectKey, CustomReading[]>>;
}
