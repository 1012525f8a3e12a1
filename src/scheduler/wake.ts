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
import type { Store } from '../kube/api.ts';
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

/** Names of the Deployments whose split an object carries. */
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

type RouteStores = Pick<
  Stores,
  'virtualServices' | 'destinationRules' | 'httpRoutes' | 'grpcRoutes' | 'services'
>;

const ISTIO = ['virtualServices', 'destinationRules'] as const;
const GATEWAY_API = ['httpRoutes', 'grpcRoutes', 'services'] as const;
const ALL = [...ISTIO, ...GATEWAY_API] as const;

/** Whose objects the Deployment's split stands in. */
export const standingSplits = (
  stores: RouteStores,
  key: ObjectKey,
): { istio: boolean; gatewayApi: boolean } => {
  const [namespace = '', name = ''] = key.split('/');
  const standsIn = (kinds: readonly (keyof RouteStores)[]): boolean =>
    kinds.some((kind) =>
      stores[kind].inNamespace(namespace).some((object: KubeObject) => splitNames(object).includes(name)),
    );
  return { istio: standsIn(ISTIO), gatewayApi: standsIn(GATEWAY_API) };
};

/** Deployments whose split stands anywhere, whether they still exist or not. */
export const splitKeys = (stores: RouteStores): ObjectKey[] =>
  ALL.flatMap((kind) =>
    stores[kind]
      .list()
      .flatMap((object: KubeObject) =>
        splitNames(object).map((name): ObjectKey => `${namespaceOf(object)}/${name}`),
      ),
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
  for (const store of [stores.replicaSets, stores.pods, stores.endpointSlices, stores.canaryPolicies]) {
    store.onChange(({ before, after }: { before: KubeObject | undefined; after: KubeObject | undefined }) => {
      const object = after ?? before;
      if (object === undefined) return;
      for (const key of activeIn(stores, namespaceOf(object))) wake(key);
    });
  }
  for (const kind of ALL) {
    const store: Store<KubeObject> = stores[kind];
    store.onChange(({ before, after }) => {
      const route = after ?? before;
      if (route === undefined) return;
      const names = [...splitNames(before), ...splitNames(after)];
      const named = names.map((name): ObjectKey => `${namespaceOf(route)}/${name}`);
      for (const key of new Set([...named, ...activeIn(stores, namespaceOf(route))])) wake(key);
    });
  }
};
