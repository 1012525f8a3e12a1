import { routesTo } from '../core/istio/route-scope.ts';
import { isVirtualService, type VirtualService } from '../core/istio/virtual-service.ts';
import type { ObjectKey, Service } from '../core/objects.ts';
import { foreign } from '../core/route-change.ts';
import type { TrafficLimit } from '../core/run.ts';
import type { Store } from '../kube/api.ts';
import { replicasInstead, withLimits } from './limited.ts';
import type { TrafficRouter } from './router.ts';
import { createSharedServiceSearch, type SharedServiceStores } from './shared-services.ts';

export interface GatewayOrReplicasOptions {
  gatewayApi: TrafficRouter;
  replicas: TrafficRouter;
  stores: SharedServiceStores & { virtualServices: Pick<Store<VirtualService>, 'inNamespace'> };
}

export interface GatewayQuestion {
  key: ObjectKey;
  services: Service[];
  /** Its split stands: it is the Gateway API's to the end. */
  isSplit: boolean;
}

/**
 * The Gateway API's router, where the Services are the Deployment's alone; else the share follows from the number of
 * pods. Istio's routes to a narrowed Service lead to the primary only: subsets of it would be empty.
 */
export const createGatewayOrReplicas = ({ gatewayApi, replicas, stores }: GatewayOrReplicasOptions) => {
  const sharedService = createSharedServiceSearch(stores);

  const unsplitRoutes = ({ key, services }: GatewayQuestion): TrafficLimit[] => {
    const [namespace = ''] = key.split('/');
    const names = services.map(({ metadata }) => metadata.name);
    return foreign(stores.virtualServices.inNamespace(namespace).filter(isVirtualService))
      .filter((object) => routesTo(object, names))
      .map(({ metadata }) => ({
        reason: 'UnsplitRoute',
        message: `VirtualService ${metadata.name} is not split beside routes of the Gateway API: its requests stay with the primary`,
      }));
  };

  return (question: GatewayQuestion): TrafficRouter => {
    const shared = question.isSplit ? undefined : sharedService(question);
    return shared === undefined
      ? withLimits(gatewayApi, unsplitRoutes(question))
      : replicasInstead(replicas, shared);
  };
};
