import type { UngatedReason } from '../core/conditions.ts';
import type { Deployment } from '../core/objects.ts';

type Tell = (deployment: Deployment, reason: UngatedReason) => void;

// Far more than is released within the moments that a write is tried again.
const REMEMBERED = 1_000;
/** Longer than any write is tried again, too short for a person who corrects what somebody else refused. */
const REPEATED_WITHIN_MS = 10_000;

/**
 * Tells once what may be asked about several times: the API server takes a PATCH that lost a race against a write of
 * the status to admission again. Of all changes made from one generation of a Deployment only one is ever stored.
 * @param now milliseconds, monotonic
 */
export const tellOnce = (tell: Tell, now: () => number): Tell => {
  // Every generation by itself: requests that race arrive in any order, an earlier generation after a later one.
  const toldAt = new Map<string, number>();
  return (deployment, reason) => {
    const { uid, generation } = deployment.metadata;
    // Nobody races for a name: a creation is asked about once.
    if (uid === undefined || generation === undefined) return tell(deployment, reason);
    const change = `${uid} ${generation} ${reason}`;
    const last = toldAt.get(change);
    if (last !== undefined && now() - last < REPEATED_WITHIN_MS) return;
    toldAt.delete(change);
    toldAt.set(change, now());
    const [oldest] = toldAt.keys();
    if (toldAt.size > REMEMBERED && oldest !== undefined) toldAt.delete(oldest);
    tell(deployment, reason);
  };
};
