import type { MetricProvider, MetricTarget } from '../analysis/metric-provider.ts';
import type { ObjectKey } from '../core/objects.ts';
import type { EvidenceReading } from '../core/snapshot.ts';

export interface EvidencePoller {
  /** The newest reading about the canary of this Deployment. */
  evidenceOf: (key: ObjectKey) => EvidenceReading;
  /** Looks at all canaries at once, every interval, until the signal aborts. */
  run: (signal: AbortSignal) => Promise<void>;
}

export interface PollerOptions {
  /** Undefined: no metrics server is configured. */
  provider: MetricProvider | undefined;
  /** Canaries with traffic, now. */
  targets: () => MetricTarget[];
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
  const { provider, targets, onReading, intervalMs, sleep } = options;
  let readings = new Map<ObjectKey, EvidenceReading>();

  const look = async (from: MetricProvider, signal: AbortSignal): Promise<void> => {
    const wanted = targets();
    if (wanted.length === 0) {
      readings = new Map();
      return;
    }
    readings = await from.read(wanted, signal);
    for (const { key } of wanted) onReading(key);
  };

  return {
    evidenceOf: (key) => (provider === undefined ? UNCONFIGURED : (readings.get(key) ?? NOT_YET)),
    run: async (signal) => {
      if (provider === undefined) return;
      while (!signal.aborted) {
        await look(provider, signal);
        await sleep(intervalMs, signal);
      }
    },
  };
};
