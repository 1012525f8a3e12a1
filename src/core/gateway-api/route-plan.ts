import { describeRewritten } from '../rewritten.ts';
import { foreign, planGivenBack, type RouteChange, splitChange } from '../route-change.ts';
import { NO_SHARE, type Share, shareOf } from '../share.ts';
import { shareObstacle } from '../share-obstacle.ts';
import type { Outstanding, TrafficState } from '../snapshot.ts';
import { splitsOf } from '../split-annotation.ts';
import { carriesEntry } from '../split-object.ts';
import { limitsOf } from './limits.ts';
import { type GatewayRoute, restoreGatewayRoute, servicesOf } from './route.ts';
import { outstandingOf } from './route-status.ts';
import {
  canaryServices,
  pairEntry,
  planCanaryServices,
  planCanaryServicesDeleted,
  planNarrowed,
  planWidened,
  type ServiceView,
  selectsPods,
} from './service-pair.ts';

// What has to change in a namespace's Services, HTTPRoutes and GRPCRoutes so that one Deployment's traffic stands as
// wanted.

/** One Deployment's traffic, and all Services and routes of its namespace. */
export interface GatewayView extends Omit<ServiceView, 'referred'> {
  routes: GatewayRoute[];
}

/** Whether the user's form of the route sends requests to one of the Services. */
export const refersTo = (route: GatewayRoute, services: readonly string[]): boolean =>
  servicesOf(restoreGatewayRoute(route)).some((service) => services.includes(service));

const serviceViewOf = (view: GatewayView): ServiceView => ({
  ...view,
  referred: foreign(view.routes).flatMap((route) => servicesOf(restoreGatewayRoute(route))),
});

const namesOf = ({ services }: GatewayView): string[] => services.map(({ metadata }) => metadata.name).sort();

const routesOf = (view: GatewayView): GatewayRoute[] =>
  view.routes.filter((route) => refersTo(route, namesOf(view)));

/** The canary's Services first: until they stand, the user's reach what they always did. */
export const planDestinations = (view: GatewayView): RouteChange[] => {
  const services = serviceViewOf(view);
  return [...planCanaryServices(services), ...planNarrowed(services)];
};

/** Every route to every Service at the share; one that leads to none any more is given back. */
export const planShare = (view: GatewayView, share: Share): RouteChange[] => {
  const entry = pairEntry(serviceViewOf(view), share);
  const services = namesOf(view);
  return view.routes.flatMap((route) => {
    if (refersTo(route, services)) return splitChange(route, view.name, entry);
    return carriesEntry(route, view.name) ? splitChange(route, view.name, undefined) : [];
  });
};

export const planRestore = ({ routes, name }: GatewayView): RouteChange[] => planGivenBack(routes, name);

export const planRemoval = (view: GatewayView): RouteChange[] => {
  const services = serviceViewOf(view);
  return [...planWidened(services), ...planCanaryServicesDeleted(services)];
};

/** The share of the first route: they all agree on it when it leaves nothing to plan. */
const commonShare = (view: GatewayView): Share | undefined => {
  const first = routesOf(view)[0];
  const entry = first && splitsOf(first)[view.name];
  return entry && shareOf(entry);
};

const outstandingIn = (view: GatewayView): Outstanding | undefined => {
  const found = routesOf(view).flatMap((route) => outstandingOf(route) ?? []);
  return found.find(({ seen }) => !seen) ?? found[0];
};

const obstacleIn = (view: GatewayView): TrafficState['obstacle'] => {
  const { services } = view;
  const without = services.filter((service) => !selectsPods(service)).map(({ metadata }) => metadata.name);
  if (without.length > 0) {
    const message = `kanari.dev/service names ${without.join(', ')}, which has no selector: there is no telling the canary's pods apart; the run waits`;
    return { reason: 'ServiceWithoutSelector', message };
  }
  if (services.length === 0 || routesOf(view).length > 0) return undefined;
  const message = `no HTTPRoute or GRPCRoute of the namespace refers to ${namesOf(view).join(', ')}; the run waits for one`;
  return { reason: 'RouteNotFound', message };
};

export const readTraffic = (view: GatewayView): TrafficState => {
  const share = commonShare(view);
  const destinations = planDestinations(view);
  const changes = planShare(view, share ?? NO_SHARE);
  const outstanding = outstandingIn(view);
  const obstacle = obstacleIn(view) ?? shareObstacle(view.routes, view.name);
  const isWritten = share !== undefined && changes.length === 0;
  return {
    provider: 'gateway-api',
    services: namesOf(view),
    destinations: destinations.length === 0,
    split: isWritten && outstanding === undefined,
    share: isWritten ? share : undefined,
    rewritten: describeRewritten([...destinations, ...changes].map(({ object }) => object)),
    routesRestored: planRestore(view).length === 0,
    destinationsRemoved: planRemoval(view).length === 0,
    canaryServices: canaryServices(serviceViewOf(view)),
    limits: limitsOf(serviceViewOf(view), routesOf(view)),
    ...(outstanding === undefined ? {} : { outstanding }),
    ...(obstacle === undefined ? {} : { obstacle }),
  };
};
