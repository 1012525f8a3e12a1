import { isGatewayRoute } from '../core/gateway-api/route.ts';
import type { SchedulerOptions } from '../scheduler/scheduler.ts';
import { standingSplits } from '../scheduler/wake.ts';
import { withCanaryAddress } from '../traffic/canary-address.ts';
import { createGatewayRouter } from '../traffic/gateway-api.ts';
import { createGatewayOrReplicas } from '../traffic/gateway-or-replicas.ts';
import { createIstioRouter } from '../traffic/istio.ts';
import { createIstioOrReplicas } from '../traffic/istio-or-replicas.ts';
import { createPassiveRouter } from '../traffic/replica-ratio.ts';
import { type RoutedProvider, selectProvider } from '../traffic/select-router.ts';
import type { Shared } from './shared.ts';

type RouterFor = SchedulerOptions['routerFor'];

const providerFor = (
  { stores }: Pick<Shared, 'stores'>,
  { settings, namespace, services }: Parameters<RouterFor>[0],
): RoutedProvider => {
  const at = namespace.metadata.name;
  const gatewayRoutes = [...stores.httpRoutes.inNamespace(at), ...stores.grpcRoutes.inNamespace(at)];
  return selectProvider({
    setting: settings.traffic,
    namespace,
    services: services.map((service) => service.metadata.name),
    virtualServices: stores.virtualServices.inNamespace(at),
    destinationRules: stores.destinationRules.inNamespace(at),
    gatewayRoutes: gatewayRoutes.filter(isGatewayRoute),
  });
};

/** Which router steers the traffic of a Deployment. */
export const createRouters = (shared: Pick<Shared, 'reader' | 'writer' | 'log' | 'stores'>): RouterFor => {
  const { stores } = shared;
  const istio = withCanaryAddress(createIstioRouter(shared), shared);
  const gatewayApi = createGatewayRouter(shared);
  const passive = { replicas: createPassiveRouter('replicas'), none: createPassiveRouter('none') };
  const { replicas } = passive;
  const istioOrReplicas = createIstioOrReplicas({ istio, replicas, stores });
  const gatewayOrReplicas = createGatewayOrReplicas({ gatewayApi, replicas, stores });
  return (at) => {
    const { key, namespace, services } = at;
    // A split that stands is its provider's to the end, though the setting may have changed.
    const standing = standingSplits(stores, key);
    if (standing.gatewayApi) return gatewayOrReplicas({ key, services, isSplit: true });
    // Without a Service there may still be routes to give back, of one that was deleted.
    if (services.length === 0) return istio;
    if (standing.istio) return istioOrReplicas({ key, namespace, services, isSplit: true });
    const provider = providerFor(shared, at);
    if (provider === 'gateway-api') return gatewayOrReplicas({ key, services, isSplit: false });
    if (provider === 'istio') return istioOrReplicas({ key, namespace, services, isSplit: false });
    return passive[provider];
  };
};
