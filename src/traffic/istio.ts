import { caveatsOf } from '../core/istio/caveats.ts';
import { type DestinationRule, isDestinationRule } from '../core/istio/destination-rule.ts';
import { fullHost, hostOf } from '../core/istio/hosts.ts';
import { obstacleTo } from '../core/istio/obstacles.ts';
import {
  planDestinations,
  planRemoval,
  planRestore,
  planShare,
  readTraffic,
} from '../core/istio/route-plan.ts';
import type { RouteObjects, RouteView } from '../core/istio/route-view.ts';
import { destinationsOf, isVirtualService, type VirtualService } from '../core/istio/virtual-service.ts';
import type { KubeObject, Service } from '../core/objects.ts';
import type { RouteChange } from '../core/route-change.ts';
import type { TrafficLimit } from '../core/run.ts';
import type { TrafficState } from '../core/snapshot.ts';
import type { Reader, Store, Writer } from '../kube/api.ts';
import { createChangeWriter } from './change-writer.ts';
import { createHostIndex, type HostIndex } from './host-index.ts';
import { createPassiveRouter } from './replica-ratio.ts';
import type { RouteLog } from './route-writer.ts';
import type { TrafficRouter, TrafficTarget } from './router.ts';

export interface IstioRouterOptions {
  stores: { virtualServices: Store<VirtualService>; destinationRules: Store<DestinationRule> };
  writer: Writer;
  reader: Reader;
  log: RouteLog;
}

/** Of a split that stands: what has come in its way since is only told. */
const limitsOf = (view: RouteView): Pick<TrafficState, 'limits'> => {
  const limits = [obstacleTo(view) ?? [], caveatsOf(view)].flat();
  return limits.length === 0 ? {} : { limits };
};

const hostsOfRoute = (object: VirtualService): string[] =>
  isVirtualService(object)
    ? [...(object.spec.hosts ?? []), ...destinationsOf(object).map(({ host }) => host)].map((host) =>
        fullHost(host, object.metadata.namespace ?? ''),
      )
    : [];

const hostsOfRule = (object: DestinationRule): string[] =>
  isDestinationRule(object) ? [fullHost(object.spec.host, object.metadata.namespace ?? '')] : [];

export interface IstioRouter extends TrafficRouter {
  /** Why the target's traffic can't be split, by the objects of the whole cluster. */
  obstacleTo(target: Pick<TrafficTarget, 'key' | 'services'>): TrafficLimit | undefined;
}

/** Splits traffic in VirtualServices, by subsets in DestinationRules: the user's where there are any, else its own. */
export const createIstioRouter = ({ stores, writer, reader, log }: IstioRouterOptions): IstioRouter => {
  const changes = createChangeWriter({ writer, reader, log });
  const nothing = createPassiveRouter('none');

  const routesByHost = createHostIndex(stores.virtualServices, hostsOfRoute);
  const rulesByHost = createHostIndex(stores.destinationRules, hostsOfRule);

  /** Objects of other namespaces that name one of the Services. */
  const elsewhere = (services: readonly Service[], namespace: string): RouteObjects => {
    const hosts = services.map(({ metadata }) => hostOf(metadata.name, namespace));
    const isElsewhere = ({ metadata }: KubeObject): boolean => metadata.namespace !== namespace;
    const naming = <T extends KubeObject>(index: HostIndex<T>): T[] => [
      ...new Set(
        [...hosts.flatMap((host) => index.naming(host)), ...index.withWildcard()].filter(isElsewhere),
      ),
    ];
    return { virtualServices: naming(routesByHost), destinationRules: naming(rulesByHost) };
  };

  const viewOf = (target: Pick<TrafficTarget, 'key' | 'services'> & Partial<TrafficTarget>): RouteView => {
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
      elsewhere: elsewhere(target.services, namespace),
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
    obstacleTo: (target) => obstacleTo(viewOf(target)),
    read: (target) => {
      const view = viewOf(target);
      const state = { ...readTraffic(view), ...limitsOf(view) };
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
