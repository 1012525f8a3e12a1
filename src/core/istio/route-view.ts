import type { OwnerReference, Service, StringMap } from '../objects.ts';
import { foreign } from '../route-change.ts';
import { type DestinationRule, selectsPods, userSubsetsOf } from './destination-rule.ts';
import { hostOf } from './hosts.ts';
import type { MeshScope } from './mesh-cover.ts';
import { inheritedRuleOf, isForSome, isObeyed, ROOT_NAMESPACE, rulesNaming } from './rules-in-effect.ts';
import type { VirtualService } from './virtual-service.ts';
import { united, type Visibility, visibilityOf } from './visibility.ts';

// What is known of one Deployment's routes, and what follows from it without Kanari.

/** Istio's objects of some namespaces. */
export interface RouteObjects {
  virtualServices: VirtualService[];
  destinationRules: DestinationRule[];
}

/** One Deployment's traffic, all Istio objects of its namespace, and what others say about its Services. */
export interface RouteView extends RouteObjects {
  /** The Deployment's; its entry in every split. */
  name: string;
  namespace: string;
  owner: OwnerReference | undefined;
  services: Service[];
  /** Labels of the held template; undefined: unknown. */
  podLabels: StringMap | undefined;
  /** Objects of other namespaces that name one of the Services, by a wildcard too. */
  elsewhere: RouteObjects;
}

/** Sorted, so that equal splits are spelt alike. */
export const serviceNames = ({ services }: RouteView): string[] =>
  services.map(({ metadata }) => metadata.name).sort();

/** The rules that decide for the Service without Kanari: the user's own for it, else one that is there for more. */
export const rulesInEffect = (view: RouteView, service: string): DestinationRule[] => {
  const rules = foreign(view.destinationRules);
  const host = hostOf(service, view.namespace);
  const exact = rulesNaming(rules, service).filter((rule) => isObeyed(rule, host) && !isForSome(rule));
  if (exact.length > 0) return exact;
  const root = view.elsewhere.destinationRules.filter(
    ({ metadata }) => metadata.namespace === ROOT_NAMESPACE,
  );
  const inherited = inheritedRuleOf({ rules, root }, service, view.namespace);
  return inherited === undefined ? [] : [inherited];
};

/** Whose proxies know the subsets of the Service. */
export const subsetVisibility = (view: RouteView, service: string): Visibility => {
  const rules = rulesInEffect(view, service);
  return rules.length === 0 ? 'everywhere' : united(rules.map(visibilityOf));
};

/**
 * The user's subsets that the canary's pods belong to, as far as their labels are known. A name that means other pods
 * in another rule is left out: one list of names is for all Services.
 */
export const canarySubsets = (view: RouteView): string[] => {
  const { podLabels } = view;
  if (podLabels === undefined) return [];
  const defined = serviceNames(view)
    .flatMap((service) => rulesInEffect(view, service))
    .flatMap(userSubsetsOf);
  const strange = new Set(
    defined.filter((subset) => !selectsPods(subset, podLabels)).map(({ name }) => name),
  );
  return [...new Set(defined.map(({ name }) => name))].filter((name) => !strange.has(name)).sort();
};

/** Each Service with every VirtualService of the users'. */
export const meshScopes = (view: RouteView): MeshScope[] => {
  const virtualServices = [...foreign(view.virtualServices), ...view.elsewhere.virtualServices];
  return view.services.map((service) => ({ service, namespace: view.namespace, virtualServices }));
};
