import { decideRoute } from '../core/route-admission.ts';
import type { JsonPatchOperation } from '../kube/api.ts';
import type { AdmissionOutcome, Decide } from './review.ts';

/** Admission of routes: the split that Kanari has asked for is written into whatever is stored. */
export const createRouteDecision =
  (ownUsername: () => string | undefined): Decide =>
  ({ operation, object, oldObject, username }): AdmissionOutcome => {
    if (object === undefined || (operation !== 'CREATE' && operation !== 'UPDATE')) {
      return { allowed: true, patch: [], warnings: [], reason: 'NotARouteChange' };
    }
    // Unknown yet: nobody is Kanari, so that no stranger can speak for it.
    const own = ownUsername() ?? '';
    const { patch, warnings } = decideRoute({ operation, object, oldObject, username, ownUsername: own });
    const reason = patch.length > 0 ? 'Split' : 'Unchanged';
    return { allowed: true, patch: patch as JsonPatchOperation[], warnings, reason };
  };
