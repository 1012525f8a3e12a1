import type { Reason } from '../conditions.ts';
import type { KubeObject } from '../objects.ts';
import { foreign } from '../route-change.ts';
import type { TrafficLimit } from '../run.ts';
import type { DestinationRule } from './destination-rule.ts';
import { appliesTo, fullHost, hostOf } from './hosts.ts';
import { uncoveredOf, wildcardsOver } from './mesh-cover.ts';
import { isHeadless } from './ports.ts';
import { routesTo } from './route-scope.ts';
import { meshScopes, type RouteView, serviceNames, subsetVisibility } from './route-view.ts';
import { isForSome, ROOT_NAMESPACE } from './rules-in-effect.ts';
import { destinationsOf } from './virtual-service.ts';
import { isVisibleIn, isWithin, visibilityOf } from './visibility.ts';

// Why traffic can't be divided by subsets at all: rules that would send requests past the split, or to subsets that
// the client's proxy does not know.

const limit = (reason: Reason, message: string): TrafficLimit => ({ reason, message });

/** `VirtualService edge/front` */
const titleOf = ({ kind, metadata }: KubeObject): string =>
  `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

type Obstacle = (view: RouteView) => TrafficLimit | undefined;

const hostsOf = (view: RouteView): string[] =>
  serviceNames(view).map((service) => hostOf(service, view.namespace));

const onlyHeadless: Obstacle = ({ services }) =>
  services.length > 0 && services.every(isHeadless)
    ? limit('HeadlessService', 'no Service has a cluster address: callers choose pods themselves')
    : undefined;

const isForAny = ({ spec, metadata }: DestinationRule, hosts: readonly string[]): boolean =>
  hosts.some((host) => appliesTo(spec.host, metadata.namespace ?? '', host));

/** Istio merges no subsets into such a rule, and the clients it is for obey no other. */
const rulesForSomeClients: Obstacle = (view) => {
  const rule = foreign(view.destinationRules).find(
    (each) => isForSome(each) && isForAny(each, hostsOf(view)),
  );
  return (
    rule && limit('ForeignRoute', `${titleOf(rule)} has a workloadSelector: its clients know no subsets`)
  );
};

/** In the root namespace, a rule that is not for itself alone is the last to be obeyed. */
const isLast = (rule: DestinationRule, namespace: string): boolean =>
  rule.metadata.namespace === ROOT_NAMESPACE &&
  isVisibleIn(visibilityOf(rule), namespace) &&
  !isForSome(rule);

/** A client's proxy obeys the rules of its own namespace first, and those lend no subsets. */
const rulesElsewhere: Obstacle = (view) => {
  const rule = view.elsewhere.destinationRules.find(
    (each) => !isLast(each, view.namespace) && isForAny(each, hostsOf(view)),
  );
  return (
    rule && limit('ForeignRoute', `clients in ${rule.metadata.namespace ?? ''} obey ${titleOf(rule)} alone`)
  );
};

const routesElsewhere: Obstacle = (view) => {
  const hosts = hostsOf(view);
  const route = view.elsewhere.virtualServices.find((each) =>
    destinationsOf(each).some(({ host }) => hosts.includes(fullHost(host, each.metadata.namespace ?? ''))),
  );
  return route && limit('ForeignRoute', `${titleOf(route)} routes past the split`);
};

/** Proxies that see a split route, but not the rule with its subsets, answer every request with 503. */
const routesSeenFurther: Obstacle = (view) => {
  for (const service of serviceNames(view)) {
    const visibility = subsetVisibility(view, service);
    const route = foreign(view.virtualServices).find(
      (each) => routesTo(each, [service]) && !isWithin(visibilityOf(each), visibility),
    );
    if (route !== undefined)
      return limit(
        'ForeignRoute',
        `${titleOf(route)} is exported to namespaces that the DestinationRule of ${service} is not`,
      );
  }
  return undefined;
};

/** A route for exactly the host would put it out of effect, and one copied from it would be seen by all. */
const wildcardsForSome: Obstacle = (view) => {
  const route = meshScopes(view)
    .filter((scope) => uncoveredOf(scope) !== undefined)
    .flatMap(wildcardsOver)
    .find((each) => visibilityOf(each) !== 'everywhere');
  return route && limit('ForeignRoute', `${titleOf(route)} is in effect for some namespaces only`);
};

const nothingRouted: Obstacle = (view) => {
  const services = serviceNames(view);
  const isRouted =
    foreign(view.virtualServices).some((object) => routesTo(object, services)) ||
    meshScopes(view).some((scope) => uncoveredOf(scope) !== undefined);
  return services.length === 0 || isRouted
    ? undefined
    : limit('UnroutedService', `no route that proxies obey leads to ${services.join(', ')}`);
};

const OBSTACLES: readonly Obstacle[] = [
  onlyHeadless,
  rulesForSomeClients,
  rulesElsewhere,
  routesElsewhere,
  routesSeenFurther,
  wildcardsForSome,
  nothingRouted,
];

/** The first reason not to divide the Deployment's traffic by subsets. */
export const obstacleTo: Obstacle = (view) => {
  for (const obstacle of OBSTACLES) {
    const found = obstacle(view);
    if (found !== undefined) return found;
  }
  return undefined;
};
