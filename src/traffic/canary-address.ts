import { type AddressView, planAddresses, planAddressesDeleted } from '../core/canary-address.ts';
import { fullHost, hostOf } from '../core/istio/hosts.ts';
import { destinationsOf, isVirtualService, type VirtualService } from '../core/istio/virtual-service.ts';
import type { Service } from '../core/objects.ts';
import type { Store } from '../kube/api.ts';
import { createChangeWriter } from './change-writer.ts';
import type { RouteWriterOptions } from './route-writer.ts';
import type { TrafficRouter, TrafficTarget } from './router.ts';

export interface CanaryAddressOptions extends RouteWriterOptions {
  stores: { services: Store<Service>; virtualServices: Store<VirtualService> };
}

/** The router, with an address of the canary alone among its destinations where the target asks for one. */
export const withCanaryAddress = <R extends TrafficRouter>(router: R, options: CanaryAddressOptions): R => {
  const { services, virtualServices } = options.stores;
  const changes = createChangeWriter(options);

  const referredIn = (namespace: string, existing: readonly Service[]): string[] => {
    const hosts = new Set(
      virtualServices
        .inNamespace(namespace)
        .filter(isVirtualService)
        .flatMap(destinationsOf)
        .map(({ host }) => fullHost(host, namespace)),
    );
    // A host that no Service stands for yet must not come to mean the canary.
    const suffix = hostOf('', namespace);
    const known = new Set(existing.map(({ metadata }) => metadata.name));
    return [...hosts]
      .filter((host) => host.endsWith(suffix))
      .map((host) => host.slice(0, -suffix.length))
      .filter((name) => !known.has(name));
  };

  const viewOf = ({ key, owner, services: split, addressed }: TrafficTarget): AddressView => {
    const [namespace = ''] = key.split('/');
    const existing = services.inNamespace(namespace);
    const wanted = addressed === true ? split : [];
    // Looked for only where a name is chosen by it: every look at every Deployment comes by here.
    const referred = wanted.length === 0 ? [] : referredIn(namespace, existing);
    return { namespace, owner, services: wanted, existing, referred };
  };
  const nameIn = ({ key }: TrafficTarget): string => key.split('/')[1] ?? '';

  return {
    ...router,
    read: (target) => {
      const state = router.read(target);
      const view = viewOf(target);
      return {
        ...state,
        destinations: state.destinations && planAddresses(view).length === 0,
        destinationsRemoved: state.destinationsRemoved && planAddressesDeleted(view).length === 0,
      };
    },
    ensureDestinations: async (target, signal) => {
      await router.ensureDestinations(target, signal);
      await changes.carryOut(planAddresses(viewOf(target)), nameIn(target), signal);
    },
    removeDestinations: async (target, signal) => {
      await router.removeDestinations(target, signal);
      await changes.carryOut(planAddressesDeleted(viewOf(target)), nameIn(target), signal);
    },
  };
};
