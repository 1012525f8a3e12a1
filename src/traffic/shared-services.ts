import type { Deployment, EndpointSlice, ObjectKey, Pod, ReplicaSet, Service } from '../core/objects.ts';
import type { TrafficLimit } from '../core/run.ts';
import { sharedServiceAmong } from '../core/shared-service.ts';
import type { Store } from '../kube/api.ts';

export interface SharedServiceStores {
  deployments: Pick<Store<Deployment>, 'get' | 'controlledBy'>;
  replicaSets: Pick<Store<ReplicaSet>, 'controlledBy'>;
  pods: Pick<Store<Pod>, 'get'>;
  endpointSlices: Pick<Store<EndpointSlice>, 'inNamespace'>;
}

export interface SharedServiceQuestion {
  /** The Deployment's. */
  key: ObjectKey;
  services: Service[];
}

/** Finds why a Deployment's Services can't be told apart by version: one that serves another workload too. */
export const createSharedServiceSearch = (stores: SharedServiceStores) => {
  const replicaSetsOf = (key: ObjectKey): Set<string> => {
    const uid = stores.deployments.get(key)?.metadata.uid ?? '-';
    const canaries = stores.deployments.controlledBy(uid).map(({ metadata }) => metadata.uid ?? '-');
    const sets = [uid, ...canaries].flatMap((owner) => stores.replicaSets.controlledBy(owner));
    return new Set(sets.flatMap(({ metadata }) => metadata.uid ?? []));
  };

  return ({ key, services }: SharedServiceQuestion): TrafficLimit | undefined => {
    const [namespace = ''] = key.split('/');
    return sharedServiceAmong(
      services.map(({ metadata }) => metadata.name),
      {
        namespace,
        slices: stores.endpointSlices.inNamespace(namespace),
        podOf: stores.pods.get,
        replicaSets: replicaSetsOf(key),
      },
    );
  };
};
