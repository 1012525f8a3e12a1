import type { ObjectKey } from '../core/objects.ts';
import type { LatencyObjective } from '../core/run.ts';
import type { EvidenceReading } from '../core/snapshot.ts';

/** One canary whose counters are wanted. */
export interface MetricTarget {
  /** The primary Deployment's key; names the answer. */
  key: ObjectKey;
  /** Name of the canary Deployment, as metrics name the workload. */
  workload: string;
  latency: LatencyObjective | 'off';
}

/** Port to a metrics server. Never throws for what a server does or says: that is a reading with a named reason. */
export interface MetricProvider {
  /** The newest raw counters of all targets, from one grouped query per metric kind. */
  read(targets: readonly MetricTarget[], signal: AbortSignal): Promise<Map<ObjectKey, EvidenceReading>>;
}
