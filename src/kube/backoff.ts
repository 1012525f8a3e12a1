/** Growing, jittered waits between attempts. */
export interface Backoff {
  /** Milliseconds to wait before the next attempt. */
  next(): number;
  reset(): void;
}

/** Doubles from `baseMs` up to `maxMs`; each wait is drawn from the upper half, so that a fleet spreads out. */
export const createBackoff = (options: { baseMs: number; maxMs: number; random: () => number }): Backoff => {
  let failures = 0;
  return {
    next: () => {
      const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** failures);
      failures = Math.min(failures + 1, 30);
      return ceiling * (0.5 + options.random() / 2);
    },
    reset: () => {
      failures = 0;
    },
  };
};
