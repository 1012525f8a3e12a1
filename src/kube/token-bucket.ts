/** Lets a burst through, then a steady trickle. */
export interface TokenBucket {
  /** Takes one token if there is one. `now` in milliseconds of one clock. */
  take(now: number): boolean;
}

export const createTokenBucket = (options: { burst: number; refillMs: number }): TokenBucket => {
  let tokens = options.burst;
  let filledAt: number | undefined;
  return {
    take: (now) => {
      const gained = filledAt === undefined ? 0 : Math.max(0, now - filledAt) / options.refillMs;
      tokens = Math.min(options.burst, tokens + gained);
      filledAt = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
};
