import { routesTo } from '../core/istio/route-scope.ts';
import { isVirtualService, type VirtualService } from '../core/istio/virtual-service.ts';
import type { Deployment, Namespace, Service } from '../core/objects.ts';
import type { Store } from '../kube/api.ts';
import { isInMesh } from './select-router.ts';

export interface OutsideCallersStores {
  services: Pick<Store<Service>, 'inNamespace'>;
  virtualServices: Pick<Store<VirtualService>, 'inNamespace'>;
}

const selects = ({ spec: { selector = {} } = {} }: Service, { spec }: Deployment): boolean => {
  const labels = spec.template.metadata?.labels ?? {};
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
};

/**
 * Whether a VirtualService of the namespace routes to the Deployment, and callers of that namespace have no proxy to
 * obey it. From caches, and at once where there is no mesh, or no route.
 */
export const createOutsideCallers =
  ({ services, virtualServices }: OutsideCallersStores) =>
  (deployment: Deployment, namespace: Namespace): boolean => {
    if (isInMesh(namespace)) return false;
    const { name } = namespace.metadata;
    const routes = virtualServices.inNamespace(name).filter(isVirtualService);
    if (routes.length === 0) return false;
    const selecting = services.inNamespace(name).filter((service) => selects(service, deployment));
    const names = selecting.map(({ metadata }) => metadata.name);
    return routes.some((route) => routesTo(route, names));
  };
