import type { KubeObject, Pod } from '../core/objects.ts';
import type { Log } from '../kube/log.ts';
import { createReflector, type Reflector } from '../kube/reflector.ts';
import type { ResourceKind } from '../kube/resources.ts';
import type { Rest } from '../kube/rest.ts';
import { createStore, type WritableStore, withoutManagedFields, withWriters } from '../kube/store.ts';
import type { Stores } from '../scheduler/stores.ts';

export interface Watches {
  stores: Stores;
  /** One per kind; each runs until its signal aborts. */
  reflectors: { kind: ResourceKind; reflector: Reflector }[];
}

const READ_OF_STATUS: ReadonlySet<string> = new Set<keyof NonNullable<Pod['status']>>([
  'phase',
  'podIP',
  'startTime',
  'conditions',
  'initContainerStatuses',
  'containerStatuses',
]);

/** Of a pod only what a plan reads: a cluster has many, and their specs are large. */
const slimPod = (pod: Pod): Pod => {
  const { metadata, status } = withoutManagedFields(pod);
  const read = Object.entries(status ?? {}).filter(([field]) => READ_OF_STATUS.has(field));
  return { apiVersion: 'v1', kind: 'Pod', metadata, status: Object.fromEntries(read) };
};

/** Every watch that Kanari keeps. They are all the API calls that idle Deployments cost. */
export const createWatches = (rest: Rest, log: Log): Watches => {
  const reflectors: Watches['reflectors'] = [];
  const watch = <T extends KubeObject>(
    kind: ResourceKind,
    options: { project?: (object: T) => T; labelSelector?: string } = {},
  ): WritableStore<T> => {
    const { project, labelSelector } = options;
    const store = createStore<T>({ log, ...(project === undefined ? {} : { project }) });
    const selector = labelSelector === undefined ? {} : { labelSelector };
    reflectors.push({ kind, reflector: createReflector<T>({ rest, kind, store, log, ...selector }) });
    return store;
  };
  const stores: Stores = {
    namespaces: watch('Namespace'),
    deployments: watch('Deployment'),
    replicaSets: watch('ReplicaSet'),
    pods: watch('Pod', { project: slimPod }),
    services: watch('Service', { project: withWriters }),
    endpointSlices: watch('EndpointSlice'),
    controllerRevisions: watch('ControllerRevision', {
      labelSelector: 'app.kubernetes.io/managed-by=kanari',
    }),
    disruptionBudgets: watch('PodDisruptionBudget'),
    canaries: watch('Canary'),
    canaryPolicies: watch('CanaryPolicy'),
    virtualServices: watch('VirtualService', { project: withWriters }),
    destinationRules: watch('DestinationRule', { project: withWriters }),
    httpRoutes: watch('HTTPRoute', { project: withWriters }),
    grpcRoutes: watch('GRPCRoute', { project: withWriters }),
  };
  return { stores, reflectors };
};
