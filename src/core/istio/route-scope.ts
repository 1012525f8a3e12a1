import type { StringMap } from '../objects.ts';

import { type DestinationRule, userSubsetsOf } from './destination-rule.ts';
import { includesService, namesService } from './hosts.ts';
import { parseSubset } from './subsets.ts';
import { destinationsOf, type VirtualService } from './virtual-service.ts';

// Which of a namespace's objects concern a Service.

const MESH = 'mesh';

/** Whether a route or a mirror of the object leads to one of the Services. */
export const routesTo = (object: VirtualService, services: readonly string[]): boolean =>
  destinationsOf(object).some(({ host }) => isOneOf(host, services, object.metadata.namespace ?? ''));

/** Whether the object decides where sidecars send requests for the Service (and not gateways only). */
export const coversMesh = (object: VirtualService, service: string): boolean => {
  const { gateways = [], hosts = [] } = object.spec;
  const bindsMesh = gateways.length === 0 || gateways.includes(MESH);
  return bindsMesh && hosts.some((host) => includesService(host, service, object.metadata.namespace ?? ''));
};

/** Whether a destination to one of the Services names a subset of the user's. */
export const namesUserSubset = (object: VirtualService, services: readonly string[]): boolean =>
  destinationsOf(object).some(
    ({ host, subset }) =>
      subset !== undefined &&
      parseSubset(subset) === undefined &&
      isOneOf(host, services, object.metadata.namespace ?? ''),
  );

/** The rule for exactly the Service's host; of several the oldest, as Istio ranks them. */
export const ruleOf = (rules: readonly DestinationRule[], service: string): DestinationRule | undefined =>
  rules
    .filter(({ spec, metadata }) => namesService(spec.host, service, metadata.namespace ?? ''))
    .sort(byAge)[0];

/** The wildcard rule in effect for the Service where no rule names its host; the longest host, as Istio ranks them. */
export const wildcardRuleOf = (
  rules: readonly DestinationRule[],
  service: string,
): DestinationRule | undefined =>
  rules
    .filter(
      ({ spec, metadata }) =>
        spec.host.startsWith('*') && includesService(spec.host, service, metadata.namespace ?? ''),
    )
    .sort((left, right) => right.spec.host.length - left.spec.host.length || byAge(left, right))[0];

/** The user's subsets that pods with these labels belong to. */
export const subsetsWith = (rule: DestinationRule, podLabels: StringMap): string[] =>
  userSubsetsOf(rule)
    .filter(({ labels = {} }) => Object.entries(labels).every(([key, value]) => podLabels[key] === value))
    .map(({ name }) => name);

const isOneOf = (host: string, services: readonly string[], namespace: string): boolean =>
  services.some((service) => namesService(host, service, namespace));

const byAge = (left: DestinationRule, right: DestinationRule): number =>
  ageKey(left) < ageKey(right) ? -1 : 1;

const ageKey = ({ metadata }: DestinationRule): string =>
  `${metadata.creationTimestamp ?? ''} ${metadata.name}`;
