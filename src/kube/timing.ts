import { setTimeout as delay } from 'node:timers/promises';

/** Time and chance, passed in so that tests own both. All durations are milliseconds. */
export interface Timing {
  /** Wall clock, milliseconds since 1970: for what is written down. */
  now: () => number;
  /** Milliseconds from any origin, never set back: for what is measured. */
  monotonic: () => number;
  /** Resolves after `ms`, or at once (without an error) when the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** 0 ≤ x < 1 */
  random: () => number;
}

export const systemTiming: Timing = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
  random: () => Math.random(),
};
