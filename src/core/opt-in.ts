import { ROLLOUTS_LABEL } from './marks.ts';
import { controllerOf, type Deployment, labelsOf, type Namespace } from './objects.ts';

/** What a Deployment says itself against being Kanari's business, whatever its Namespace says. */
export type OwnOptOut = 'OptedOut' | 'OwnedByController';

export const ownOptOut = (deployment: Deployment): OwnOptOut | undefined => {
  const own = labelsOf(deployment)[ROLLOUTS_LABEL];
  if (own === 'disabled') return 'OptedOut';
  // An operator rewrites its Deployment as it sees fit and would fight a hold; its user can ask for it all the same.
  if (own !== 'enabled' && controllerOf(deployment) !== undefined) return 'OwnedByController';
  return undefined;
};

/** Why a Deployment is none of Kanari's business; undefined when it is opted in. */
export const optOutReason = (
  deployment: Deployment,
  namespace: Namespace,
): 'NamespaceNotEnabled' | OwnOptOut | undefined =>
  labelsOf(namespace)[ROLLOUTS_LABEL] === 'enabled' ? ownOptOut(deployment) : 'NamespaceNotEnabled';

export const isOptedIn = (deployment: Deployment, namespace: Namespace): boolean =>
  optOutReason(deployment, namespace) === undefined;
