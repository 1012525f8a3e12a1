import { sameJson } from '../core/same-json.ts';
import type { TrafficState } from '../core/snapshot.ts';
import type { TrafficRouter, TrafficTarget } from './router.ts';

const bySeen = (states: readonly TrafficState[]): TrafficState['outstanding'] => {
  const found = states.flatMap(({ outstanding }) => outstanding ?? []);
  return found.find(({ seen }) => !seen) ?? found[0];
};

/** What is true of all; a share only where they agree on it. */
const conjunctionOf = (first: TrafficState, others: readonly TrafficState[]): TrafficState => {
  const states = [first, ...others];
  const outstanding = bySeen(states);
  const obstacle = states.find((state) => state.obstacle !== undefined)?.obstacle;
  const canaryServices = states.find((state) => state.canaryServices !== undefined)?.canaryServices;
  const agreed = others.every(({ share }) => sameJson(share, first.share));
  return {
    provider: first.provider,
    services: first.services,
    destinations: states.every(({ destinations }) => destinations),
    split: agreed && states.every(({ split }) => split),
    share: agreed ? first.share : undefined,
    routesRestored: states.every(({ routesRestored }) => routesRestored),
    destinationsRemoved: states.every(({ destinationsRemoved }) => destinationsRemoved),
    warnings: states.flatMap(({ warnings = [] }) => warnings),
    ...(canaryServices === undefined ? {} : { canaryServices }),
    ...(outstanding === undefined ? {} : { outstanding }),
    ...(obstacle === undefined ? {} : { obstacle }),
  };
};

/** Several routers as one, each with the routes of its own kind: they are written in order, and read as one state. */
export const createCompositeRouter = (first: TrafficRouter, ...others: TrafficRouter[]): TrafficRouter => {
  const inOrder = async (write: (router: TrafficRouter) => Promise<void>): Promise<void> => {
    for (const router of [first, ...others]) await write(router);
  };
  return {
    read: (target: TrafficTarget) =>
      conjunctionOf(
        first.read(target),
        others.map((router) => router.read(target)),
      ),
    ensureDestinations: (target, signal) => inOrder((router) => router.ensureDestinations(target, signal)),
    setShare: (target, share, signal) => inOrder((router) => router.setShare(target, share, signal)),
    restore: (target, signal) => inOrder((router) => router.restore(target, signal)),
    removeDestinations: (target, signal) => inOrder((router) => router.removeDestinations(target, signal)),
  };
};
