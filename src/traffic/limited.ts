import type { TrafficLimit } from '../core/run.ts';
import type { TrafficRouter } from './router.ts';

/** The router, with more to tell of what does not follow the share. */
export const withLimits = (router: TrafficRouter, limits: readonly TrafficLimit[]): TrafficRouter =>
  limits.length === 0
    ? router
    : {
        ...router,
        read: (target) => {
          const state = router.read(target);
          return { ...state, limits: [...limits, ...(state.limits ?? [])] };
        },
      };

/** By number of pods, and why. */
export const replicasInstead = (replicas: TrafficRouter, { reason, message }: TrafficLimit): TrafficRouter =>
  withLimits(replicas, [{ reason, message: `${message}; the share follows from the number of pods` }]);
