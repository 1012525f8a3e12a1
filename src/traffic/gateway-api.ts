import { type GatewayRoute, isGatewayRoute } from '../core/gateway-api/route.ts';
import {
  type GatewayView,
  planDestinations,
  planRemoval,
  planRestore,
  planShare,
  readTraffic,
} from '../core/gateway-api/route-plan.ts';
import { isService } from '../core/gateway-api/service.ts';
import { keyOf, type Service } from '../core/objects.ts';
import type { RouteChange } from '../core/route-change.ts';
import type { Reader, Store, Writer } from '../kube/api.ts';
import { createChangeWriter } from './change-writer.ts';
import type { RouteLog } from './route-writer.ts';
import type { TrafficRouter, TrafficTarget } from './router.ts';

export interface GatewayRouterOptions {
  stores: { httpRoutes: Store<GatewayRoute>; grpcRoutes: Store<GatewayRoute>; services: Store<Service> };
  writer: Writer;
  reader: Reader;
  log: RouteLog;
}

/** Splits traffic in HTTPRoutes and GRPCRoutes, between the user's Service, narrowed, and one with the canary's pods. */
export const createGatewayRouter = ({ stores, writer, reader, log }: GatewayRouterOptions): TrafficRouter => {
  const changes = createChangeWriter({ writer, reader, log });

  const viewOf = ({ key, owner, services }: TrafficTarget): GatewayView => {
    const [namespace = '', name = ''] = key.split('/');
    const routes = [...stores.httpRoutes.inNamespace(namespace), ...stores.grpcRoutes.inNamespace(namespace)];
    return {
      name,
      namespace,
      owner,
      // What was read at the beginning of a plan may be older than its first writes.
      services: services.map((service) => stores.services.get(keyOf(service)) ?? service),
      existing: stores.services.inNamespace(namespace).filter(isService),
      routes: routes.filter(isGatewayRoute),
    };
  };

  const carryOut = (
    target: TrafficTarget,
    plan: (view: GatewayView) => RouteChange[],
    signal: AbortSignal,
  ): Promise<void> => {
    const view = viewOf(target);
    return changes.carryOut(plan(view), view.name, signal);
  };

  return {
    read: (target) => readTraffic(viewOf(target)),
    ensureDestinations: (target, signal) => carryOut(target, planDestinations, signal),
    setShare: (target, share, signal) => carryOut(target, (view) => planShare(view, share), signal),
    restore: (target, signal) => carryOut(target, planRestore, signal),
    removeDestinations: (target, signal) => carryOut(target, planRemoval, signal),
  };
};
