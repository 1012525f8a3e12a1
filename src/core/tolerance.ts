import type { LatencyObjective } from './release-settings.ts';

/** Shares carry this many decimals: `1 - 0.99` is 0.010000000000000009, and a limit must be what was written. */
const DECIMALS = 1e11;

/** Where no failure at all is tolerated, as many requests for a pass as the usual 99 % asks for. */
const REQUESTS_WITHOUT_TOLERANCE = 100;

const exact = (share: number): number => Math.round(share * DECIMALS) / DECIMALS;

/** Share of requests that may fail, 0–1, at a success rate in percent. */
export const toleratedErrors = (successRate: number): number => exact((100 - successRate) / 100);

/** Share of requests that may be slower than the limit, 0–1. */
export const toleratedSlow = (objective: LatencyObjective): number => exact(1 - objective.quantile);

/** Requests without which there is no verdict: so many that the tolerated share is one request. */
export const requestsNeeded = (minRequests: number | 'auto', tolerated: number): number => {
  if (minRequests !== 'auto') return minRequests;
  if (tolerated === 0) return REQUESTS_WITHOUT_TOLERANCE;
  return Math.ceil(exact(1 / tolerated));
};
