import type { Reason } from '../conditions.ts';
import { foreign } from '../route-change.ts';
import type { TrafficLimit } from '../run.ts';
import { hostOf, namesService } from './hosts.ts';
import { isFor, type MeshScope } from './mesh-cover.ts';
import { isHeadless, protocolOf } from './ports.ts';
import { bindsMesh } from './route-scope.ts';
import { canarySubsets, meshScopes, type RouteView, serviceNames, subsetVisibility } from './route-view.ts';
import { parseSubset } from './subsets.ts';
import { destinationsOf } from './virtual-service.ts';

// What of a Deployment's traffic does not follow the split, although the rest does.

const limit = (reason: Reason, message: string): TrafficLimit => ({ reason, message });

const BY_COUNT = 'its share follows from the number of pods';

const headlessOnes = ({ services }: RouteView): TrafficLimit[] =>
  services
    .filter(isHeadless)
    .map(({ metadata }) =>
      limit('HeadlessService', `${metadata.name} has no cluster address, callers choose pods: ${BY_COUNT}`),
    );

const routesTls = ({ virtualServices, service, namespace }: MeshScope, port: number): boolean =>
  virtualServices
    .filter((object) => bindsMesh(object) && isFor(object, hostOf(service.metadata.name, namespace)))
    .flatMap(({ spec: { tls = [] } }) => tls)
    .flatMap(({ match }) => (Array.isArray(match) ? (match as { port?: number }[]) : []))
    .some((match) => match.port === undefined || match.port === port);

/** Sidecars divide TLS by routes that name servers, and those of a port are not known to Kanari. */
const tlsPorts = (scope: MeshScope): TrafficLimit[] =>
  (isHeadless(scope.service) ? [] : (scope.service.spec?.ports ?? []))
    .filter((port) => protocolOf(port) === 'tls' && !routesTls(scope, port.port))
    .map(({ port }) =>
      limit(
        'UnroutedPort',
        `port ${port} of ${scope.service.metadata.name} carries TLS without a tls route: ${BY_COUNT}`,
      ),
    );

/** Nobody knows which of the user's subsets a canary belongs to before its labels are known. */
const subsetsWithout = (view: RouteView): TrafficLimit[] => {
  if (view.podLabels === undefined) return [];
  const carried = canarySubsets(view);
  const services = serviceNames(view);
  const named = foreign(view.virtualServices)
    .flatMap(destinationsOf)
    .filter(({ host }) => services.some((service) => namesService(host, service, view.namespace)))
    .flatMap(({ subset }) => (subset === undefined || parseSubset(subset) !== undefined ? [] : [subset]));
  return [...new Set(named)]
    .filter((subset) => !carried.includes(subset))
    .sort()
    .map((subset) =>
      limit(
        'SubsetWithoutCanary',
        `a route names subset ${subset}, which the canary's pods are not in: they get nothing of it`,
      ),
    );
};

const narrowRules = (view: RouteView): TrafficLimit[] =>
  serviceNames(view)
    .filter((service) => subsetVisibility(view, service) !== 'everywhere')
    .map((service) =>
      limit(
        'NarrowExport',
        `the DestinationRule of ${service} is exported to some namespaces only: callers of others reach every pod`,
      ),
    );

export const caveatsOf = (view: RouteView): TrafficLimit[] => [
  ...headlessOnes(view),
  ...meshScopes(view).flatMap(tlsPorts),
  ...subsetsWithout(view),
  ...narrowRules(view),
];
