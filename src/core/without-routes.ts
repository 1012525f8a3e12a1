import type { Settings } from './release-settings.ts';
import { canaryReplicasByCount, shareByCount } from './replicas.ts';

// What is different where no route splits the traffic, in words for people.

/** What to do about evidence that nobody counts. */
export const SIGNALS_DECIDE =
  'kanari.dev/success-rate: "off" with kanari.dev/latency: "off" lets readiness and restarts decide';

/** Requests are asked about. */
export const judgesRequests = ({ successRate, latency }: Settings): boolean =>
  successRate !== 'off' || latency !== 'off';

/** A metrics server knows of requests what the proxies of a mesh count, and here there may be none. */
export const uncounted = (name: string): string =>
  `no route splits the requests of ${name}: unless a mesh counts them there is no evidence; ${SIGNALS_DECIDE}`;

/** @returns undefined where pods can make every step exactly */
export const stepsMade = (steps: readonly number[], replicas: number): string | undefined => {
  const made = steps.map((step) => Math.round(shareByCount(replicas, canaryReplicasByCount(replicas, step))));
  if (made.every((share, index) => share === steps[index])) return undefined;
  return `the number of pods makes the share: beside ${replicas}, steps of ${listed(steps)} become ${listed(made)}`;
};

/** A warning has room for 256 characters. */
const MOST = 8;

const listed = (shares: readonly number[]): string => {
  const shown = shares.slice(0, MOST).map((share) => `${share}%`);
  return [...shown, ...(shares.length > MOST ? ['…'] : [])].join(', ');
};
