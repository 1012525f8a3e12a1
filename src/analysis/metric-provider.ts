import type { ObjectKey } from '../core/objects.ts';
import type { LatencyObjective } from '../core/release-settings.ts';
import type { EvidenceReading } from '../core/snapshot.ts';

/** One canary whose counters are wanted. */
export interface MetricTarget {
  /** The primary Deployment's key; names the answer. */
  key: ObjectKey;
  /** Name of the canary Deployment, as metrics name the workload. */
  workload: string;
  /** Names of the canary's own Services: a gateway's proxy counts by Service. None where nothing routes to one. */
  canaryServices: readonly string[];
  /** Data plane that has counted for this run; no other is believed then. */
  source?: string;
  /** The same of the primary, where the canary is compared with it. */
  primary?: { workload: string; services: readonly string[] };
  latency: LatencyObjective | 'off';
}

/** Port to a metrics server. Never throws for what a server does or says: that is a reading with a named reason. */
export interface MetricProvider {
  /** The newest raw counters of all targets, from one grouped query per metric kind and data plane. */
  read(targets: readonly MetricTarget[], signal: AbortSignal): Promise<Map<ObjectKey, EvidenceReading>>;
}
