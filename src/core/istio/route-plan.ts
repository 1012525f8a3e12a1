import type { KubeObject } from '../objects.ts';
import { describeRewritten } from '../rewritten.ts';
import {
  foreign,
  ownOf,
  planGivenBack,
  planOwnDeleted,
  type RouteChange,
  splitChange,
} from '../route-change.ts';
import { NO_SHARE, type Share, shareOf } from '../share.ts';
import { shareObstacle } from '../share-obstacle.ts';
import type { TrafficState } from '../snapshot.ts';
import { type SplitEntry, splitsOf } from '../split-annotation.ts';
import { carriesEntry, standsAs, withEntry } from '../split-object.ts';
import type { DestinationRule } from './destination-rule.ts';
import { hostOf } from './hosts.ts';
import { uncoveredOf } from './mesh-cover.ts';
import { ownDestinationRule, ownNameFor, ownVirtualService } from './own-routes.ts';
import { namesUserSubset, routesTo } from './route-scope.ts';
import {
  canarySubsets,
  meshScopes,
  type RouteView,
  rulesInEffect,
  serviceNames,
  subsetVisibility,
} from './route-view.ts';
import { isObeyed, rulesNaming } from './rules-in-effect.ts';
import type { VirtualService } from './virtual-service.ts';
import { isWithin, visibilityOf } from './visibility.ts';

// What has to change in a namespace's Istio objects so that one Deployment's traffic stands as wanted. Nothing to
// change and "it stands so" are the same, so reading the state asks the same plans as writing it.

export type RouteObject = VirtualService | DestinationRule;

/** What the Deployment asks of every route and rule. */
const entryOf = (view: RouteView, share: Share): SplitEntry => {
  const subsets = canarySubsets(view);
  return {
    services: serviceNames(view),
    ...shareOf(share),
    ...(subsets.length === 0 ? {} : { subsets }),
  };
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

/** Deletes the Deployment's own objects that none of the wanted ones replaces. */
const superfluous = (
  view: RouteView,
  objects: readonly RouteObject[],
  wanted: readonly RouteObject[],
): RouteChange[] => {
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  return ownOf(objects, view.name)
    .filter(({ metadata }) => !names.has(metadata.name))
    .map((object) => ({ kind: 'delete', object }));
};

/** A rule for the subsets of a Service that the user has none for; also where Istio obeys none that names it. */
const ownRuleFor = (view: RouteView, service: string, entry: SplitEntry): DestinationRule[] => {
  const [rule] = rulesInEffect(view, service);
  if (rule !== undefined && isObeyed(rule, hostOf(service, view.namespace)) && isLocal(view, rule)) return [];
  const own = ownDestinationRule(ownRoute(view, service, view.destinationRules), service, rule);
  return [withEntry(own, view.name, entry)];
};

const isLocal = ({ namespace }: RouteView, { metadata }: KubeObject): boolean =>
  metadata.namespace === namespace;

/**
 * Whether all who know subsets by Kanari's own rule know them by others as well. Those of Services that the Deployment
 * has no more stay to the end: routes may still name their subsets.
 */
const isReplaced =
  (view: RouteView) =>
  (own: DestinationRule): boolean =>
    serviceNames(view).some(
      (service) =>
        hostOf(service, view.namespace) === own.spec.host &&
        isWithin(visibilityOf(own), subsetVisibility(view, service)),
    );

/** Subsets for both sides on every Service: in the user's rules where there are any. */
export const planDestinations = (view: RouteView): RouteChange[] => {
  const entry = entryOf(view, NO_SHARE);
  const users = foreign(view.destinationRules);
  const lent = entry.services.flatMap((service) => rulesNaming(users, service));
  const own = entry.services.flatMap((service) => ownRuleFor(view, service, entry));
  return [
    ...lent.flatMap((rule) => splitChange(rule, view.name, entry)),
    ...own.flatMap((rule) => applyChange(view.destinationRules, rule)),
    ...superfluous(view, view.destinationRules.filter(isReplaced(view)), own),
  ];
};

/** A route for what the user's leave uncovered of the mesh's traffic to each Service. */
const ownRoutesFor = (view: RouteView, entry: SplitEntry): VirtualService[] =>
  meshScopes(view).flatMap((scope) => {
    const uncovered = uncoveredOf(scope);
    if (uncovered === undefined) return [];
    const { name } = scope.service.metadata;
    const content = { ...uncovered, visibility: subsetVisibility(view, name) };
    const own = ownVirtualService(ownRoute(view, name, view.virtualServices), name, content);
    return [withEntry(own, view.name, entry)];
  });

/** Every route to every Service at the share; the user's first, so that own ones are never the last to go. */
export const planShare = (view: RouteView, share: Share): RouteChange[] => {
  const entry = entryOf(view, share);
  const split = foreign(view.virtualServices).flatMap((object) => {
    if (routesTo(object, entry.services)) return splitChange(object, view.name, entry);
    return carriesEntry(object, view.name) ? splitChange(object, view.name, undefined) : [];
  });
  const own = ownRoutesFor(view, entry);
  return [
    ...split,
    ...own.flatMap((object) => applyChange(view.virtualServices, object)),
    ...superfluous(view, view.virtualServices, own),
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
  const destinations = planDestinations(view);
  const routes = planShare(view, share ?? NO_SHARE);
  const split = share !== undefined && !isUnknown(view) && routes.length === 0;
  const obstacle = shareObstacle(view.virtualServices, view.name);
  return {
    provider: 'istio',
    services: serviceNames(view),
    destinations: destinations.length === 0,
    split,
    share: split ? share : undefined,
    rewritten: describeRewritten([...destinations, ...routes].map(({ object }) => object)),
    routesRestored: planRestore(view).length === 0,
    destinationsRemoved: planRemoval(view).length === 0,
    ...(obstacle === undefined ? {} : { obstacle }),
  };
};
