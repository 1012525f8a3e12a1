import { isCanaryDeployment } from '../core/canary-deployment.ts';
import { isHeld } from '../core/deployment-change.ts';
import { SPLIT_ANNOTATION } from '../core/marks.ts';
import {
  annotationsOf,
  controllerOf,
  type Deployment,
  type KubeObject,
  keyOf,
  type ObjectKey,
} from '../core/objects.ts';
import { isOptedIn } from '../core/opt-in.ts';
import { isActive } from '../core/plan/lifecycle.ts';
import type { Stores } from './stores.ts';

// Which Deployments a change concerns. Only keys are passed on: what is done depends on the state when it is looked
// at. Idle Deployments are not woken by their pods.

const namespaceOf = (object: KubeObject): string => object.metadata.namespace ?? '';

const activeIn = (stores: Stores, namespace: string): ObjectKey[] =>
  stores.canaries
    .inNamespace(namespace)
    .filter((canary) => isActive(canary.status?.run))
    .map(keyOf);

const concerns = (stores: Stores, deployment: Deployment): boolean => {
  if (isHeld(deployment) || isCanaryDeployment(deployment)) return true;
  if (stores.canaries.get(keyOf(deployment)) !== undefined) return true;
  const namespace = stores.namespaces.get(`/${namespaceOf(deployment)}`);
  return namespace !== undefined && isOptedIn(deployment, namespace);
};

/** The user's Deployment that a Deployment stands for: itself, or the one that a canary belongs to. */
const rolloutOf = (deployment: Deployment): ObjectKey => {
  const owner = controllerOf(deployment);
  return owner?.kind === 'Deployment' ? `${namespaceOf(deployment)}/${owner.name}` : keyOf(deployment);
};

/** Names of the Deployments whose split a route carries. */
const splitNames = (route: KubeObject | undefined): string[] => {
  const value = route === undefined ? undefined : annotationsOf(route)[SPLIT_ANNOTATION];
  if (value === undefined) return [];
  try {
    const splits: unknown = JSON.parse(value);
    return typeof splits === 'object' && splits !== null ? Object.keys(splits) : [];
  } catch {
    // A person's hand was in it: the route webhook has warned them, and nothing can be read from it.
    return [];
  }
};

/** The Deployment's split stands in a route or a destination rule. */
export const hasSplit = (
  { virtualServices, destinationRules }: Pick<Stores, 'virtualServices' | 'destinationRules'>,
  key: ObjectKey,
): boolean => {
  const [namespace = '', name = ''] = key.split('/');
  const routes = [...virtualServices.inNamespace(namespace), ...destinationRules.inNamespace(namespace)];
  return routes.some((route) => splitNames(route).includes(name));
};

/** Deployments whose split stands in a route or a destination rule, whether they still exist or not. */
export const splitKeys = (stores: Stores): ObjectKey[] =>
  [...stores.virtualServices.list(), ...stores.destinationRules.list()].flatMap((route) =>
    splitNames(route).map((name): ObjectKey => `${namespaceOf(route)}/${name}`),
  );

/** Subscribes to every store; `wake` gets the key of each Deployment that a change concerns. */
export const wakeOnChanges = (stores: Stores, wake: (key: ObjectKey) => void): void => {
  stores.deployments.onChange(({ before, after }) => {
    const deployment = after ?? before;
    if (deployment === undefined) return;
    const key = rolloutOf(deployment);
    if (key !== keyOf(deployment) || concerns(stores, deployment)) wake(key);
  });
  stores.canaries.onChange(({ before, after }) => {
    const canary = after ?? before;
    if (canary !== undefined) wake(keyOf(canary));
  });
  stores.namespaces.onChange(({ after }) => {
    if (after === undefined) return;
    for (const deployment of stores.deployments.inNamespace(after.metadata.name)) {
      if (concerns(stores, deployment)) wake(rolloutOf(deployment));
    }
  });
  for (const store of [stores.replicaSets, stores.pods, stores.services, stores.endpointSlices]) {
    store.onChange(({ before, after }: { before: KubeObject | undefined; after: KubeObject | undefined }) => {
      const object = after ?? before;
      if (object === undefined) return;
      for (const key of activeIn(stores, namespaceOf(object))) wake(key);
    });
  }
  for (const store of [stores.virtualServices, stores.destinationRules]) {
    store.onChange(({ before, after }) => {
      const route = after ?? before;
      if (route === undefined) return;
      const names = [...splitNames(before), ...splitNames(after)];
      const named = names.map((name): ObjectKey => `${namespaceOf(route)}/${name}`);
      for (const key of new Set([...named, ...activeIn(stores, namespaceOf(route))])) wake(key);
    });
  }
};
