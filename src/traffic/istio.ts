import { type DestinationRule, isDestinationRule } from '../core/istio/destination-rule.ts';
import {
  planDestinations,
  planRemoval,
  planRestore,
  planShare,
  type RouteView,
  readTraffic,
} from '../core/istio/route-plan.ts';
import { isVirtualService, type VirtualService } from '../core/istio/virtual-service.ts';
import type { RouteChange } from '../core/route-change.ts';
import type { Reader, Store, Writer } from '../kube/api.ts';
import { createChangeWriter } from './change-writer.ts';
import { createPassiveRouter } from './replica-ratio.ts';
import type { RouteLog } from './route-writer.ts';
import type { TrafficRouter, TrafficTarget } from './router.ts';

export interface IstioRouterOptions {
  stores: { virtualServices: Store<VirtualService>; destinationRules: Store<DestinationRule> };
  writer: Writer;
  reader: Reader;
  log: RouteLog;
}

/** Splits traffic in VirtualServices, by subsets in DestinationRules: the user's where there are any, else its own. */
export const createIstioRouter = ({ stores, writer, reader, log }: IstioRouterOptions): TrafficRouter => {
  const changes = createChangeWriter({ writer, reader, log });
  const nothing = createPassiveRouter('none');

  const viewOf = (target: TrafficTarget): RouteView => {
    const [namespace = '', name = ''] = target.key.split('/');
    return {
      name,
      namespace,
      owner: target.owner,
      services: target.services,
      podLabels: target.podLabels,
      // One of another shape routes nothing, and must not keep its whole namespace from being read.
      virtualServices: stores.virtualServices.inNamespace(namespace).filter(isVirtualService),
      destinationRules: stores.destinationRules.inNamespace(namespace).filter(isDestinationRule),
    };
  };

  const carryOut = (
    target: TrafficTarget,
    plan: (view: RouteView) => RouteChange[],
    signal: AbortSignal,
  ): Promise<void> => {
    const view = viewOf(target);
    return changes.carryOut(plan(view), view.name, signal);
  };

  return {
    read: (target) => {
      const state = readTraffic(viewOf(target));
      const isOver = state.routesRestored && state.destinationsRemoved;
      // A Deployment whose last Service went mid-run still has routes to give back.
      return target.services.length === 0 && isOver ? nothing.read(target) : state;
    },
    ensureDestinations: (target, signal) => carryOut(target, planDestinations, signal),
    setShare: (target, share, signal) =>
      target.services.length === 0
        ? Promise.resolve()
        : carryOut(target, (view) => planShare(view, share), signal),
    restore: (target, signal) => carryOut(target, planRestore, signal),
    removeDestinations: (target, signal) => carryOut(target, planRemoval, signal),
  };
};
