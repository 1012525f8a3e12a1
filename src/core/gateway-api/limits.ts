import { canaryNameOf } from '../canary-deployment.ts';
import type { Reason } from '../conditions.ts';
import { VERSION_LABEL } from '../marks.ts';
import type { Service } from '../objects.ts';
import type { TrafficLimit } from '../run.ts';
import { sameJson } from '../same-json.ts';
import {
  canaryServiceOf,
  type GatewayRoute,
  restoreGatewayRoute,
  servicesOf,
  splitGatewayRoute,
} from './route.ts';
import type { BackendRef } from './rule.ts';
import { restoreService } from './service.ts';
import { canaryServices, pairEntry, type ServiceView } from './service-pair.ts';
import { isLocalService } from './split-rule.ts';

// What of a user's traffic does not follow the share as asked, and what becomes of it instead.

const limit = (reason: Reason, message: string): TrafficLimit => ({ reason, message });

/** From here on weights can't be multiplied any more. */
const LARGEST_SCALABLE = 10_000;

const weightOf = ({ weight = 1 }: BackendRef): number => weight;

/** Large weights are divided as they are: the canary gets whole numbers, rounded down. */
const isRounded = (refs: readonly BackendRef[]): boolean =>
  refs.some((ref) => weightOf(ref) > LARGEST_SCALABLE) && refs.some((ref) => weightOf(ref) % 100 !== 0);

const ruleLimits = (place: string, refs: readonly BackendRef[], isSplit: boolean): TrafficLimit[] => {
  if (!isSplit)
    return [
      limit(
        'RuleWithoutRoom',
        `${place}: no room for the canary's backendRefs; its requests stay with the primary`,
      ),
    ];
  return isRounded(refs)
    ? [
        limit(
          'WeightsRounded',
          `${place}: weights above ${LARGEST_SCALABLE} are not multiplied; the canary's is rounded down`,
        ),
      ]
    : [];
};

const routeLimits = (view: ServiceView, stored: GatewayRoute): TrafficLimit[] => {
  const route = restoreGatewayRoute(stored);
  const name = `${route.kind} ${route.metadata.name}`;
  const entry = pairEntry(view, { weight: 50 });
  const canaries = entry.services.map((service) => canaryServiceOf(service, entry));
  const own = servicesOf(route).find((service) => canaries.includes(service));
  if (own !== undefined)
    return [limit('CanaryNamed', `${name} refers to ${own} itself: it is left as it is, without a share`)];
  const split = splitGatewayRoute(route, { [view.name]: entry });
  return (route.spec.rules ?? []).flatMap((rule, index) => {
    const { backendRefs = [] } = rule;
    const concerned = backendRefs.some(
      (ref) =>
        entry.services.includes(ref.name) &&
        isLocalService(ref, route.metadata.namespace) &&
        weightOf(ref) > 0,
    );
    const isSplit = !sameJson(split.spec.rules?.[index], rule);
    return concerned ? ruleLimits(`${name}, rule ${index}`, backendRefs, isSplit) : [];
  });
};

const serviceLimits = (view: ServiceView, service: Service): TrafficLimit[] => {
  const { name } = service.metadata;
  const canary = canaryServices(view)[name];
  const usual = canaryNameOf(name);
  const selector = restoreService(service).spec?.selector ?? {};
  return [
    ...(VERSION_LABEL in selector
      ? [limit('VersionSelected', `Service ${name} selects ${VERSION_LABEL} itself: it is not narrowed`)]
      : []),
    ...(canary === undefined || canary === usual
      ? []
      : [limit('NameTaken', `${usual} means something else already: the canary's Service is ${canary}`)]),
  ];
};

/** Beside a Service with routes there may be one that callers reach without any. */
const unroutedServices = ({ services }: ServiceView, routes: readonly GatewayRoute[]): TrafficLimit[] => {
  const routed = routes.flatMap((route) => servicesOf(restoreGatewayRoute(route)));
  return services
    .filter(({ metadata }) => !routed.includes(metadata.name))
    .map(({ metadata }) =>
      limit(
        'UnroutedService',
        `no route refers to Service ${metadata.name}: its requests stay with the primary`,
      ),
    );
};

export const limitsOf = (view: ServiceView, routes: readonly GatewayRoute[]): TrafficLimit[] => [
  ...view.services.flatMap((service) => serviceLimits(view, service)),
  ...routes.flatMap((route) => routeLimits(view, route)),
  ...(routes.length === 0 ? [] : unroutedServices(view, routes)),
];
