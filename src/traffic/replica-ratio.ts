import type { ObjectKey } from '../core/objects.ts';
import type { Share } from '../core/share.ts';
import type { TrafficRouter } from './router.ts';

/**
 * Where no route carries weights: the share follows from the number of pods behind the user's own Service
 * (`replicas`), or there is no traffic to steer (`none`). Every wish is fulfilled at once, and nothing is written.
 */
export const createPassiveRouter = (provider: 'replicas' | 'none'): TrafficRouter => {
  // Only what was asked for last: after a restart the plan asks again, and that costs nothing.
  const asked = new Map<ObjectKey, Share>();
  return {
    read: ({ key, services }) => ({
      provider,
      services: services.map(({ metadata }) => metadata.name),
      destinations: true,
      split: true,
      share: asked.get(key),
      routesRestored: true,
      destinationsRemoved: true,
    }),
    ensureDestinations: () => Promise.resolve(),
    setShare: ({ key }, share) => {
      asked.set(key, share);
      return Promise.resolve();
    },
    restore: ({ key }) => {
      asked.delete(key);
      return Promise.resolve();
    },
    removeDestinations: () => Promise.resolve(),
  };
};
