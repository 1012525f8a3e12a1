import type { PodCounters } from '../../../src/core/counts.ts';
import type { Share } from '../../../src/core/share.ts';
import type { EvidenceReading, TrafficState } from '../../../src/core/snapshot.ts';

// The Services' routes, and what the proxies behind them send and count.

export const REWRITTEN = 'VirtualService web, last written by jane';
/** Of the requests, so many fit what an A/B test asks for. */
const MATCHING_PERCENT = 30;

export interface Routes {
  /** Names of the Services. */
  services: string[];
  destinations: boolean;
  /** In the routes; undefined: they are not split. */
  share: Share | undefined;
}

/** As Istio's routes are read. */
export const routedTraffic = ({ services, destinations, share }: Routes): TrafficState => ({
  provider: 'istio',
  services,
  destinations,
  split: share !== undefined,
  share,
  rewritten: share === undefined || !destinations ? REWRITTEN : undefined,
  routesRestored: share === undefined,
  destinationsRemoved: !destinations,
});

/** Without routes: whatever a run asks of them stands already. */
export const unroutedTraffic = ({ services, share }: Routes): TrafficState => ({
  provider: services.length === 0 ? 'none' : 'replicas',
  services,
  share,
  destinations: true,
  split: true,
  routesRestored: true,
  destinationsRemoved: true,
});

/** Percent of the requests that a share in the routes brings to the canary, copies included. */
export const percentOf = ({ weight = 0, match, mirror = 0 }: Partial<Share> = {}): number =>
  match === undefined ? Math.max(weight, mirror) : MATCHING_PERCENT;

/** What the proxy of a pod has counted so far, all in time. */
export const counted = (
  known: PodCounters,
  { requests, errorRate }: { requests: number; errorRate: number },
): PodCounters => {
  const total = known.requests + requests;
  return { ...known, requests: total, errors: known.errors + requests * errorRate, timed: total };
};

export const NO_REQUESTS = { requests: 0, errors: 0, timed: 0, slow: 0 };

/** How the metrics server is. */
export type Metrics = 'up' | 'down' | 'empty' | 'unconfigured';

export const readingOf = (metrics: Metrics, pods: Iterable<PodCounters>, at: Date): EvidenceReading => {
  switch (metrics) {
    case 'down':
      return { kind: 'unavailable', reason: 'MetricsServerUnreachable', message: 'refused' };
    case 'unconfigured':
      return { kind: 'unconfigured' };
    case 'empty':
      return { kind: 'empty', reason: 'NoSamples', message: 'no samples' };
    case 'up':
      return { kind: 'samples', at: at.toISOString(), pods: [...pods] };
  }
};
