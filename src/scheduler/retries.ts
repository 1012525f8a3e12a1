import { isConflict, isInvalid } from '../kube/errors.ts';

// When to try a key again that failed, and when people should hear of it.

export interface Retry {
  afterMs: number;
  /** Somebody else wrote in between, most likely: no trouble yet. */
  outrun: boolean;
  /** It has failed for long enough to tell people, once. */
  tell: boolean;
}

const OUTRUN_MS = 200;
// A refusal by validation or by a policy looks like a failed guard; it is not over after ten looks.
const MOST_OUTRUN = 10;
const FIRST_MS = 500;
const LAST_MS = 30_000;
/** About 15 s after the first. */
const TELL_AT = 6;

export interface Retries {
  failed(key: string, error: unknown): Retry;
  succeeded(key: string): void;
}

export const createRetries = (): Retries => {
  const counts = new Map<string, { outrun: number; failures: number }>();
  return {
    failed: (key, error) => {
      const { outrun, failures } = counts.get(key) ?? { outrun: 0, failures: 0 };
      if ((isConflict(error) || isInvalid(error)) && outrun < MOST_OUTRUN) {
        counts.set(key, { outrun: outrun + 1, failures });
        return { afterMs: OUTRUN_MS, outrun: true, tell: false };
      }
      counts.set(key, { outrun, failures: failures + 1 });
      const afterMs = Math.min(LAST_MS, FIRST_MS * 2 ** failures);
      return { afterMs, outrun: false, tell: failures + 1 === TELL_AT };
    },
    succeeded: (key) => void counts.delete(key),
  };
};
