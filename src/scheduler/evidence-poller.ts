import type { CustomMetricReader, CustomTarget } from '../analysis/custom-metrics.ts';
import type { MetricProvider, MetricTarget } from '../analysis/metric-provider.ts';
import type { CustomReading } from '../core/custom-metric.ts';
import type { ObjectKey } from '../core/objects.ts';
import type { EvidenceReading } from '../core/snapshot.ts';

export interface EvidencePoller {
  /** The newest reading about the canary of this Deployment. */
  evidenceOf: (key: ObjectKey) => EvidenceReading;
  /** The newest readings of its custom metrics. */
  customReadingsOf: (key: ObjectKey) => CustomReading[];
  /** Looks at all canaries at once, every interval, until the signal aborts. */
  run: (signal: AbortSignal) => Promise<void>;
}

export interface PollerOptions {
  /** Undefined: no metrics server is configured. */
  provider: MetricProvider | undefined;
  customMetrics: CustomMetricReader;
  /** Canaries with traffic, now. */
  targets: () => MetricTarget[];
  /** Those of them with metrics of their own. */
  customTargets: () => CustomTarget[];
  /** Called for each target with a new reading. */
  onReading: (key: ObjectKey) => void;
  intervalMs: number;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const UNCONFIGURED: EvidenceReading = { kind: 'unconfigured' };
/** After a restart there may have been an outage for long: that nobody has asked yet says nothing about the canary. */
const NOT_YET: EvidenceReading = {
  kind: 'unavailable',
  reason: 'NoSamples',
  message: 'no sample has been read yet',
};

/** One loop asks for all canaries together: the number of queries does not grow with theirs. */
export const createEvidencePoller = (options: PollerOptions): EvidencePoller => {
  const { provider, customMetrics, targets, customTargets, onReading, intervalMs, sleep } = options;
  let readings = new Map<ObjectKey, EvidenceReading>();
  let customReadings = new Map<ObjectKey, CustomReading[]>();

  const look = async (signal: AbortSignal): Promise<void> => {
    const wanted = provider === undefined ? [] : targets();
    const custom = customTargets();
    [readings, customReadings] = await Promise.all([
      provider === undefined || wanted.length === 0 ? new Map() : provider.read(wanted, signal),
      custom.length === 0 ? new Map() : customMetrics.read(custom, signal),
    ]);
    for (const key of new Set([...wanted, ...custom].map(({ key }) => key))) onReading(key);
  };

  return {
    evidenceOf: (key) => (provider === undefined ? UNCONFIGURED : (readings.get(key) ?? NOT_YET)),
    customReadingsOf: (key) => customReadings.get(key) ?? [],
    run: async (signal) => {
      while (!signal.aborted) {
        await look(signal);
        await sleep(intervalMs, signal);
      }
    },
  };
};
