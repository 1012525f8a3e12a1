import { canaryNameOf } from '../canary-deployment.ts';
import { VERSION_LABEL } from '../marks.ts';
import type { Service } from '../objects.ts';
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

// What of a user's traffic can't be split as asked, and what becomes of it instead: said at the start of a run.

/** From here on weights can't be multiplied any more. */
const LARGEST_SCALABLE = 10_000;

const weightOf = ({ weight = 1 }: BackendRef): number => weight;

/** Large weights are divided as they are: the canary gets whole numbers, rounded down. */
const isRounded = (refs: readonly BackendRef[]): boolean =>
  refs.some((ref) => weightOf(ref) > LARGEST_SCALABLE) && refs.some((ref) => weightOf(ref) % 100 !== 0);

const ruleWarnings = (place: string, refs: readonly BackendRef[], isSplit: boolean): string[] => {
  if (!isSplit)
    return [`${place}: there is no room for the canary's backendRefs; its requests stay with the primary`];
  return isRounded(refs)
    ? [`${place}: weights above ${LARGEST_SCALABLE} are not multiplied; the canary's share is rounded down`]
    : [];
};

const routeWarnings = (view: ServiceView, stored: GatewayRoute): string[] => {
  const route = restoreGatewayRoute(stored);
  const name = `${route.kind} ${route.metadata.name}`;
  const entry = pairEntry(view, { weight: 50 });
  const canaries = entry.services.map((service) => canaryServiceOf(service, entry));
  const own = servicesOf(route).find((service) => canaries.includes(service));
  if (own !== undefined) return [`${name} refers to ${own} itself: it is left as it is, without a canary`];
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
    return concerned ? ruleWarnings(`${name}, rule ${index}`, backendRefs, isSplit) : [];
  });
};

const serviceWarnings = (view: ServiceView, service: Service): string[] => {
  const { name } = service.metadata;
  const canary = canaryServices(view)[name];
  const selector = restoreService(service).spec?.selector ?? {};
  return [
    ...(VERSION_LABEL in selector
      ? [`Service ${name} selects ${VERSION_LABEL} itself: its selector stays as it is for the run`]
      : []),
    ...(canary === undefined || canary === canaryNameOf(name)
      ? []
      : [`the name ${canaryNameOf(name)} means something else already: the canary's Service is ${canary}`]),
  ];
};

/** One line for each, for people. */
export const warningsOf = (view: ServiceView, routes: readonly GatewayRoute[]): string[] => [
  ...view.services.flatMap((service) => serviceWarnings(view, service)),
  ...routes.flatMap((route) => routeWarnings(view, route)),
];
