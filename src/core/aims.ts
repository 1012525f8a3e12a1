import type { Settings } from './release-settings.ts';
import type { Given } from './run.ts';
import type { Share } from './share.ts';
import type { TrafficState } from './snapshot.ts';

// What a run goes through between its preparation and its end, from settings alone.

/** A share of the traffic, and how many checks have to pass at it. */
export interface Aim {
  /** Without affinity: its token is the run's. */
  share: Share;
  /** 1 or more. */
  checks: number;
}

type Pace = Pick<Settings, 'steps' | 'iterations' | 'mirror'>;

/** In order, never empty. `step` of the Canary's status is an index of it. */
export const aimsOf = ({ steps, iterations, mirror }: Pace): Aim[] => {
  const mirrored: Aim[] = mirror === undefined ? [] : [{ share: { weight: 0, mirror }, checks: 1 }];
  if (iterations === undefined) {
    return [...mirrored, ...steps.map((weight): Aim => ({ share: { weight }, checks: 1 }))];
  }
  const { checks, match } = iterations;
  if (match !== undefined) return [...mirrored, { share: { weight: 0, match }, checks }];
  // Copies are no live traffic: all checks are made on them.
  return [{ share: { weight: 0, ...(mirror === undefined ? {} : { mirror }) }, checks }];
};

export const givenBy = ({ weight, match, mirror }: Share): Given => {
  if (match !== undefined) return 'match';
  if (mirror !== undefined) return 'mirror';
  return weight > 0 ? 'weight' : 'nothing';
};

/** Percent of the requests that a share may bring to the canary: by it the canary is sized. */
export const loadOf = ({ weight, match, mirror = 0 }: Share): number =>
  // How many requests match, nobody knows beforehand.
  match === undefined ? Math.max(weight, mirror) : 100;

type Routing = Pick<TrafficState, 'provider' | 'services'>;

/** Proxies share the traffic out as they are told; else the number of pods does, or there is no traffic to steer. */
export const isSteered = ({ provider, services }: Routing): boolean =>
  services.length > 0 && (provider === 'istio' || provider === 'gateway-api');

/** What of the settings the traffic of this Deployment can't do, by the names that people wrote. */
export const beyondTraffic = (
  { iterations, mirror, affinity }: Pick<Settings, 'iterations' | 'mirror' | 'affinity'>,
  traffic: Routing,
): string[] => {
  if (isSteered(traffic)) return [];
  const matches = iterations?.match !== undefined;
  return [
    ...(matches ? ['match'] : []),
    // Without routes the user's Service sends live requests to every pod that it selects.
    ...(iterations !== undefined && !matches && traffic.provider === 'replicas' ? ['iterations'] : []),
    ...(mirror === undefined ? [] : ['mirror']),
    ...(affinity === undefined ? [] : ['sessionAffinity']),
  ];
};

/** What the canary gets, for people. */
export const describeShare = (share: Share): string => {
  switch (givenBy(share)) {
    case 'weight':
      return `canary weight ${share.weight} %`;
    case 'match':
      return 'requests that match go to the canary';
    case 'mirror':
      return `the canary gets copies of ${share.mirror ?? 0} % of the requests`;
    case 'nothing':
      return 'the canary gets no live traffic';
  }
};

/** The Event with which a share begins. */
export const describeAdvance = (name: string, share: Share): string => {
  switch (givenBy(share)) {
    case 'weight':
      return `Advance ${name} canary weight ${share.weight}`;
    case 'match':
      return `Routing requests of ${name} that match to its canary`;
    case 'mirror':
      return `Mirroring ${share.mirror ?? 0} % of the requests of ${name} to its canary`;
    case 'nothing':
      return `Checking the canary of ${name} without live traffic`;
  }
};
