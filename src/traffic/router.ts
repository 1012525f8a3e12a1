import type { ObjectKey, OwnerReference, Service, StringMap } from '../core/objects.ts';
import type { Share } from '../core/share.ts';
import type { TrafficState } from '../core/snapshot.ts';

/** The Deployment whose traffic is routed, and the Services through which clients reach it. */
export interface TrafficTarget {
  /** The Deployment's key; its name is the split's name in `kanari.dev/split`. */
  key: ObjectKey;
  /** Owner of the objects that a router makes, so that they go with the Deployment. Undefined once it is deleted. */
  owner: OwnerReference | undefined;
  services: Service[];
  /** Labels of the held template: which of the user's own subsets the canary's pods belong to. Undefined: unknown. */
  podLabels?: StringMap;
  /** Whether people need an address of the canary alone: it is to be checked without live traffic. */
  addressed?: boolean;
}

/**
 * Port to one way of steering traffic. All writes are idempotent and resolve only when the API server has stored
 * them; each makes no write when nothing would change. test/traffic/router-contract.ts holds what every router keeps.
 */
export interface TrafficRouter {
  /** How the target's traffic stands, from caches; no call goes out. */
  read(target: TrafficTarget): TrafficState;
  /** Makes the primary's and the canary's pods addressable apart. Moves no traffic. */
  ensureDestinations(target: TrafficTarget, signal: AbortSignal): Promise<void>;
  /** Splits every route of the target at this share for the canary. */
  setShare(target: TrafficTarget, share: Share, signal: AbortSignal): Promise<void>;
  /** Gives every route back exactly as the user has it. */
  restore(target: TrafficTarget, signal: AbortSignal): Promise<void>;
  /** Removes what `ensureDestinations` made; only after the routes are restored and proxies have learnt it. */
  removeDestinations(target: TrafficTarget, signal: AbortSignal): Promise<void>;
}
