import type { CanaryPolicy } from '../core/canary-policy.ts';
import type { GatewayRoute } from '../core/gateway-api/route.ts';
import type { DestinationRule } from '../core/istio/destination-rule.ts';
import type { VirtualService } from '../core/istio/virtual-service.ts';
import type {
  ControllerRevision,
  Deployment,
  DisruptionBudget,
  EndpointSlice,
  KubeObject,
  Namespace,
  Pod,
  ReplicaSet,
  Service,
} from '../core/objects.ts';
import type { Canary } from '../core/snapshot.ts';
import type { Store } from '../kube/api.ts';

/** Everything the scheduler knows of the cluster, kept by reflectors. */
export interface Stores {
  namespaces: Store<Namespace>;
  deployments: Store<Deployment>;
  replicaSets: Store<ReplicaSet>;
  pods: Store<Pod>;
  services: Store<Service>;
  endpointSlices: Store<EndpointSlice>;
  controllerRevisions: Store<ControllerRevision>;
  disruptionBudgets: Store<DisruptionBudget>;
  canaries: Store<Canary>;
  canaryPolicies: Store<CanaryPolicy>;
  virtualServices: Store<VirtualService>;
  destinationRules: Store<DestinationRule>;
  httpRoutes: Store<GatewayRoute>;
  grpcRoutes: Store<GatewayRoute>;
}

export const allSynced = (stores: Stores): boolean =>
  Object.values(stores).every((store: Store<KubeObject>) => store.synced());
