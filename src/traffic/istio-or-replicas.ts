import type { Namespace, ObjectKey, Service } from '../core/objects.ts';
import type { TrafficLimit } from '../core/run.ts';
import type { IstioRouter } from './istio.ts';
import { replicasInstead, withLimits } from './limited.ts';
import type { TrafficRouter } from './router.ts';
import { isInMesh } from './select-router.ts';
import { createSharedServiceSearch, type SharedServiceStores } from './shared-services.ts';

export interface IstioOrReplicasOptions {
  istio: IstioRouter;
  replicas: TrafficRouter;
  stores: SharedServiceStores;
}

export interface IstioQuestion {
  key: ObjectKey;
  namespace: Namespace;
  services: Service[];
  /** Its split stands: it is Istio's to the end. */
  isSplit: boolean;
}

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
  const sharedService = createSharedServiceSearch(stores);
  const obstacleTo = ({ key, services }: IstioQuestion): TrafficLimit | undefined =>
    sharedService({ key, services }) ?? istio.obstacleTo({ key, services });

  return (question: IstioQuestion): TrafficRouter => {
    const obstacle = question.isSplit ? undefined : obstacleTo(question);
    if (obstacle === undefined) return withLimits(istio, outsideMesh(question.namespace));
    return replicasInstead(replicas, obstacle);
  };
};
