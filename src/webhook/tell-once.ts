import type { UngatedReason } from '../core/conditions.ts';
import type { Deployment } from '../core/objects.ts';

type Tell = (deployment: Deployment, reason: UngatedReason) => void;

// Far more Deployments than are released within the moments that a write is tried again.
const REMEMBERED = 1_000;

/**
 * Tells once what may be asked about several times: the API server takes a PATCH that lost a race against a write of
 * the status to admission again. Of all changes made from one generation of a Deployment only one is ever stored.
 */
export const tellOnce = (tell: Tell): Tell => {
  const told = new Map<string, number>();
  return (deployment, reason) => {
    const { uid, generation } = deployment.metadata;
    // Nobody races for a name: a creation is asked about once.
    if (uid === undefined || generation === undefined) return tell(deployment, reason);
    if (told.get(uid) === generation) return;
    told.delete(uid);
    told.set(uid, generation);
    const [oldest] = told.keys();
    if (told.size > REMEMBERED && oldest !== undefined) told.delete(oldest);
    tell(deployment, reason);
  };
};
