import type { KubeObject, OwnerReference, Service, StringMap } from '../objects.ts';
import {
  foreign,
  ownOf,
  planGivenBack,
  planOwnDeleted,
  type RouteChange,
  splitChange,
} from '../route-change.ts';
import { NO_SHARE, type Share, shareOf } from '../share.ts';
import type { TrafficState } from '../snapshot.ts';
import { type SplitEntry, splitsOf } from '../split-annotation.ts';
import { carriesEntry, standsAs, withEntry } from '../split-object.ts';
import type { DestinationRule } from './destination-rule.ts';
import { ownDestinationRule, ownNameFor, ownVirtualService } from './own-routes.ts';
import { coversMesh, namesUserSubset, routesTo, ruleOf, subsetsWith, wildcardRuleOf } from './route-scope.ts';
import type { VirtualService } from './virtual-service.ts';

// What has to change in a namespace's Istio objects so that one Deployment's traffic stands as wanted. Nothing to
// change and "it stands so" are the same, so reading the state asks the same plans as writing it.

export type RouteObject = VirtualService | DestinationRule;

/** One Deployment's traffic and all Istio objects of its namespace. */
export interface RouteView {
  /** The Deployment's; its entry in every split. */
  name: string;
  namespace: string;
  owner: OwnerReference | undefined;
  services: Service[];
  /** Labels of the held template; undefined: unknown. */
  podLabels: StringMap | undefined;
  virtualServices: VirtualService[];
  destinationRules: DestinationRule[];
}

const serviceNames = (view: RouteView): string[] => view.services.map(({ metadata }) => metadata.name).sort();

/** What the Deployment asks of every route and rule. */
const entryOf = (view: RouteView, share: Share): SplitEntry => {
  const services = serviceNames(view);
  const rules = foreign(view.destinationRules);
  const named = services.flatMap((service) => {
    const rule = ruleOf(rules, service);
    return rule === undefined || view.podLabels === undefined ? [] : subsetsWith(rule, view.podLabels);
  });
  const subsets = [...new Set(named)].sort();
  return { services, ...shareOf(share), ...(subsets.length === 0 ? {} : { subsets }) };
};

/** Applies an own object unless it stands already. */
const applyChange = (existing: readonly RouteObject[], wanted: RouteObject): RouteChange[] => {
  const stored = existing.find(({ metadata }) => metadata.name === wanted.metadata.name);
  const owner = wanted.metadata.ownerReferences?.[0]?.uid;
  const stands =
    stored !== undefined &&
    standsAs(stored, wanted) &&
    (owner === undefined || stored.metadata.ownerReferences?.[0]?.uid === owner);
  return stands ? [] : [{ kind: 'apply', object: wanted }];
};

const ownRoute = (view: RouteView, service: string, existing: readonly KubeObject[]) => ({
  name: ownNameFor(service, existing),
  namespace: view.namespace,
  owner: view.owner,
});

/** Subsets for both sides on every Service: in the user's rule where there is one. */
export const planDestinations = (view: RouteView): RouteChange[] => {
  const entry = entryOf(view, NO_SHARE);
  const rules = foreign(view.destinationRules);
  return entry.services.flatMap((service) => {
    const rule = ruleOf(rules, service);
    if (rule !== undefined) return splitChange(rule, view.name, entry);
    const route = ownRoute(view, service, view.destinationRules);
    const own = ownDestinationRule(route, service, wildcardRuleOf(rules, service));
    return applyChange(view.destinationRules, withEntry(own, view.name, entry));
  });
};

/** Every route to every Service at the share; the user's first, so that own ones are never the last to go. */
export const planShare = (view: RouteView, share: Share): RouteChange[] => {
  const entry = entryOf(view, share);
  const users = foreign(view.virtualServices);
  const split = users.flatMap((object) => {
    if (routesTo(object, entry.services)) return splitChange(object, view.name, entry);
    return carriesEntry(object, view.name) ? splitChange(object, view.name, undefined) : [];
  });
  const uncovered = view.services.filter(
    ({ metadata }) => !users.some((object) => coversMesh(object, metadata.name)),
  );
  const wanted = uncovered.map((service) => {
    const route = ownRoute(view, service.metadata.name, view.virtualServices);
    return withEntry(ownVirtualService(route, service), view.name, entry);
  });
  const kept = new Set(wanted.map(({ metadata }) => metadata.name));
  const superfluous = ownOf(view.virtualServices, view.name).filter(
    ({ metadata }) => !kept.has(metadata.name),
  );
  return [
    ...split,
    ...wanted.flatMap((object) => applyChange(view.virtualServices, object)),
    ...superfluous.map((object): RouteChange => ({ kind: 'delete', object })),
  ];
};

/** Takes the Deployment out of the user's objects and deletes its own. */
const planWithout = ({ name }: RouteView, objects: readonly RouteObject[]): RouteChange[] => [
  ...planGivenBack(objects, name),
  ...planOwnDeleted(objects, name),
];

export const planRestore = (view: RouteView): RouteChange[] => planWithout(view, view.virtualServices);
export const planRemoval = (view: RouteView): RouteChange[] => planWithout(view, view.destinationRules);

/** The share of the first route: they all agree on it when it leaves nothing to plan. */
const firstShare = (view: RouteView): Share | undefined => {
  const services = serviceNames(view);
  const first = view.virtualServices.find(
    (object) => carriesEntry(object, view.name) || routesTo(object, services),
  );
  const entry = first && splitsOf(first)[view.name];
  return entry && shareOf(entry);
};

/** A destination within a subset of the user's, of which nobody knows whether the canary's pods are in it. */
const isUnknown = (view: RouteView): boolean => {
  const services = serviceNames(view);
  return (
    view.podLabels === undefined && view.virtualServices.some((object) => namesUserSubset(object, services))
  );
};

export const readTraffic = (view: RouteView): TrafficState => {
  const share = firstShare(view);
  const split = share !== undefined && !isUnknown(view) && planShare(view, share).length === 0;
  return {
    provider: 'istio',
    services: serviceNames(view),
    destinations: planDestinations(view).length === 0,
    split,
    share: split ? share : undefined,
    routesRestored: planRestore(view).length === 0,
    destinationsRemoved: planRemoval(view).length === 0,
  };
};
