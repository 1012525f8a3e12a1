import type { CustomMetricReader, CustomTarget } from '../analysis/custom-metrics.ts';
import type { CustomReading } from '../core/custom-metric.ts';
import type { ObjectKey } from '../core/objects.ts';

export interface CustomPoller {
  /** What the last look brought about the custom metrics of this Deployment's canary. */
  readingsOf: (key: ObjectKey) => CustomReading[];
  /** Looks every interval, until the signal aborts. */
  run: (signal: AbortSignal) => Promise<void>;
}

export interface CustomPollerOptions {
  reader: CustomMetricReader;
  /** Canaries whose custom metrics are wanted, now. */
  targets: () => CustomTarget[];
  /** Called for each target that was looked at. */
  onReading: (key: ObjectKey) => void;
  intervalMs: number;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A loop of its own: servers of users' choice may be slow, and the built-in metrics don't wait for them. */
export const createCustomPoller = (options: CustomPollerOptions): CustomPoller => {
  const { reader, targets, onReading, intervalMs, sleep } = options;
  let readings = new Map<ObjectKey, CustomReading[]>();

  const look = async (signal: AbortSignal): Promise<void> => {
    const wanted = targets();
    readings =
      wanted.length === 0 ? new Map<ObjectKey, CustomReading[]>() : await reader.read(wanted, signal);
    for (const { key } of wanted) onReading(key);
  };

  return {
    readingsOf: (key) => readings.get(key) ?? [],
    run: async (signal) => {
      while (!signal.aborted) {
        await look(signal);
        await sleep(intervalMs, signal);
      }
    },
  };
};
