import { type DestinationRule, isDestinationRule } from '../core/istio/destination-rule.ts';
import {
  planDestinations,
  planRemoval,
  planRestore,
  planShare,
  type RouteChange,
  type RouteView,
  readTraffic,
} from '../core/istio/route-plan.ts';
import { isVirtualService, type VirtualService } from '../core/istio/virtual-service.ts';
import type { Reader, Store, Writer } from '../kube/api.ts';
import { refOf } from '../kube/resources.ts';
import { createPassiveRouter } from './replica-ratio.ts';
import { createRouteWriter, type RouteLog } from './route-writer.ts';
import type { TrafficRouter, TrafficTarget } from './router.ts';

export interface IstioRouterOptions {
  stores: { virtualServices: Store<VirtualService>; destinationRules: Store<DestinationRule> };
  writer: Writer;
  reader: Reader;
  log: RouteLog;
}

/** Splits traffic in VirtualServices, by subsets in DestinationRules: the user's where there are any, else its own. */
export const createIstioRouter = ({ stores, writer, reader, log }: IstioRouterOptions): TrafficRouter => {
  const routes = createRouteWriter({ writer, reader, log });
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

  const perform = async (change: RouteChange, name: string, signal: AbortSignal): Promise<void> => {
    switch (change.kind) {
      case 'split':
        return routes.settle(change.object, { name, entry: change.entry }, signal);
      case 'apply':
        await writer.apply(change.object, { signal, force: true });
        return;
      case 'delete': {
        const { uid } = change.object.metadata;
        return writer.delete(refOf(change.object), { signal, ...(uid === undefined ? {} : { uid }) });
      }
    }
  };

  /** One after the other: the order of a plan is part of it, and a failure stops it. */
  const carryOut = async (
    target: TrafficTarget,
    plan: (view: RouteView) => RouteChange[],
    signal: AbortSignal,
  ): Promise<void> => {
    const view = viewOf(target);
    for (const change of plan(view)) await perform(change, view.name, signal);
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
