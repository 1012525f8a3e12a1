import type {
  Deployment,
  EndpointSlice,
  Namespace,
  ObjectKey,
  Pod,
  ReplicaSet,
  Service,
} from '../core/objects.ts';
import type { TrafficLimit } from '../core/run.ts';
import { sharedServiceAmong } from '../core/shared-service.ts';
import type { Store } from '../kube/api.ts';
import type { IstioRouter } from './istio.ts';
import type { TrafficRouter } from './router.ts';
import { isInMesh } from './select-router.ts';

export interface IstioOrReplicasOptions {
  istio: IstioRouter;
  replicas: TrafficRouter;
  stores: {
    deployments: Pick<Store<Deployment>, 'get' | 'controlledBy'>;
    replicaSets: Pick<Store<ReplicaSet>, 'controlledBy'>;
    pods: Pick<Store<Pod>, 'get'>;
    endpointSlices: Pick<Store<EndpointSlice>, 'inNamespace'>;
  };
}

export interface IstioQuestion {
  key: ObjectKey;
  namespace: Namespace;
  services: Service[];
  /** Its split stands: it is Istio's to the end. */
  isSplit: boolean;
}

/** The router, with more to tell of what does not follow the share. */
const withLimits = (router: TrafficRouter, limits: readonly TrafficLimit[]): TrafficRouter =>
  limits.length === 0
    ? router
    : {
        ...router,
        read: (target) => {
          const state = router.read(target);
          return { ...state, limits: [...limits, ...(state.limits ?? [])] };
        },
      };

const outsideMesh = (namespace: Namespace): TrafficLimit[] =>
  isInMesh(namespace)
    ? []
    : [
        {
          reason: 'CallersOutsideMesh',
          message: `${namespace.metadata.name} has no sidecars: callers without one reach every pod`,
        },
      ];

/**
 * Istio's router, where traffic can be divided by subsets; else the share follows from the number of pods, and why is
 * told.
 */
export const createIstioOrReplicas = ({ istio, replicas, stores }: IstioOrReplicasOptions) => {
  const replicaSetsOf = (key: ObjectKey): Set<string> => {
    const uid = stores.deployments.get(key)?.metadata.uid ?? '-';
    const canaries = stores.deployments.controlledBy(uid).map(({ metadata }) => metadata.uid ?? '-');
    const sets = [uid, ...canaries].flatMap((owner) => stores.replicaSets.controlledBy(owner));
    return new Set(sets.flatMap(({ metadata }) => metadata.uid ?? []));
  };

  const obstacleTo = ({ key, namespace, services }: IstioQuestion): TrafficLimit | undefined =>
    sharedServiceAmong(
      services.map(({ metadata }) => metadata.name),
      {
        namespace: namespace.metadata.name,
        slices: stores.endpointSlices.inNamespace(namespace.metadata.name),
        podOf: stores.pods.get,
        replicaSets: replicaSetsOf(key),
      },
    ) ?? istio.obstacleTo({ key, services });

  return (question: IstioQuestion): TrafficRouter => {
    const obstacle = question.isSplit ? undefined : obstacleTo(question);
    if (obstacle === undefined) return withLimits(istio, outsideMesh(question.namespace));
    const { reason, message } = obstacle;
    return withLimits(replicas, [
      { reason, message: `${message}; the share follows from the number of pods` },
    ]);
  };
};
