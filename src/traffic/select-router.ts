import type { GatewayRoute } from '../core/gateway-api/route.ts';
import { refersTo } from '../core/gateway-api/route-plan.ts';
import type { DestinationRule } from '../core/istio/destination-rule.ts';
import { coversMesh, routesTo } from '../core/istio/route-scope.ts';
import { rulesNaming } from '../core/istio/rules-in-effect.ts';
import type { VirtualService } from '../core/istio/virtual-service.ts';
import { labelsOf, type Namespace } from '../core/objects.ts';
import type { TrafficProvider } from '../core/release-settings.ts';
import type { TrafficState } from '../core/snapshot.ts';

/** Providers that there is a router for. */
export type RoutedProvider = TrafficState['provider'];

export interface ProviderQuestion {
  /** The user's setting; an explicit one wins. */
  setting: TrafficProvider;
  namespace: Namespace | undefined;
  /** Names of the Deployment's Services. */
  services: readonly string[];
  /** All of the namespace. */
  virtualServices: readonly VirtualService[];
  destinationRules: readonly DestinationRule[];
  gatewayRoutes: readonly GatewayRoute[];
}

/** Whether callers of the namespace have a proxy of Istio's: beside them, or on their node. */
export const isInMesh = (namespace: Namespace): boolean =>
  isInjected(namespace) || labelsOf(namespace)['istio.io/dataplane-mode'] === 'ambient';

/** Whether new pods of the namespace get Istio's sidecar. */
const isInjected = (namespace: Namespace | undefined): boolean => {
  const labels = namespace === undefined ? {} : labelsOf(namespace);
  return labels['istio-injection'] === 'enabled' || labels['istio.io/rev'] !== undefined;
};

const isKnownToIstio = ({ services, virtualServices, destinationRules }: ProviderQuestion): boolean =>
  services.some(
    (service) =>
      virtualServices.some((object) => coversMesh(object, service) || routesTo(object, [service])) ||
      rulesNaming(destinationRules, service).length > 0,
  );

/**
 * Which provider steers a Deployment's traffic. Kanari's own objects name the host too, so a run that Istio began is
 * Istio's to the end, whatever becomes of the namespace's labels.
 */
export const selectProvider = (question: ProviderQuestion): RoutedProvider => {
  const { setting, services } = question;
  if (setting !== 'auto') return setting;
  if (services.length === 0) return 'none';
  if (question.gatewayRoutes.some((route) => refersTo(route, services))) return 'gateway-api';
  return isInjected(question.namespace) || isKnownToIstio(question) ? 'istio' : 'replicas';
};
