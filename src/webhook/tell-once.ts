import type { UngatedReason } from '../core/conditions.ts';
import type { Deployment } from '../core/objects.ts';

type Tell = (deployment: Deployment, reason: UngatedReason) => void;

// Far more Deployments than are released within the moments that a write is tried again.
const REMEMBERED = 1_000;
/** Longer than any write is tried again, too short for a person who corrects what somebody else refused. */
const REPEATED_WITHIN_MS = 10_000;

/**
 * Tells once what may be asked about several times: the API server takes a PATCH that lost a race against a write of
 * the status to admission again. Of all changes made from one generation of a Deployment only one is ever stored.
 * @param now milliseconds, monotonic
 */
export const tellOnce = (tell: Tell, now: () => number): Tell => {
  const told = new Map<string, { words: string; at: number }>();
  return (deployment, reason) => {
    const { uid, generation } = deployment.metadata;
    // Nobody races for a name: a creation is asked about once.
    if (uid === undefined || generation === undefined) return tell(deployment, reason);
    const said = { words: `${generation} ${reason}`, at: now() };
    const last = told.get(uid);
    if (last?.words === said.words && said.at - last.at < REPEATED_WITHIN_MS) return;
    told.delete(uid);
    told.set(uid, said);
    const [oldest] = told.keys();
    if (told.size > REMEMBERED && oldest !== undefined) told.delete(oldest);
    tell(deployment, reason);
  };
};
