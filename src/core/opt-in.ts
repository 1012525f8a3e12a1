import { ROLLOUTS_LABEL } from './marks.ts';
import { controllerOf, type Deployment, labelsOf, type Namespace } from './objects.ts';

/** Why a Deployment is none of Kanari's business; undefined when it is opted in. */
export const optOutReason = (
  deployment: Deployment,
  namespace: Namespace,
): 'NamespaceNotEnabled' | 'OptedOut' | 'OwnedByController' | undefined => {
  if (labelsOf(namespace)[ROLLOUTS_LABEL] !== 'enabled') return 'NamespaceNotEnabled';
  if (isLabelledOut(deployment)) return 'OptedOut';
  const own = labelsOf(deployment)[ROLLOUTS_LABEL];
  // An operator rewrites its Deployment as it sees fit and would fight a hold; its user can ask for it all the same.
  if (own !== 'enabled' && controllerOf(deployment) !== undefined) return 'OwnedByController';
  return undefined;
};

export const isLabelledOut = (deployment: Deployment): boolean =>
  labelsOf(deployment)[ROLLOUTS_LABEL] === 'disabled';

export const isOptedIn = (deployment: Deployment, namespace: Namespace): boolean =>
  optOutReason(deployment, namespace) === undefined;
