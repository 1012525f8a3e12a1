import { byAge } from './by-age.ts';
import type { DestinationRule } from './destination-rule.ts';
import { fitsWildcard, fullHost, hostOf, isWildcard, namesService } from './hosts.ts';
import { isVisibleIn, visibilityOf } from './visibility.ts';

// Which DestinationRule decides for a Service. A client's proxy takes one of its own namespace, else one of the
// Service's namespace, else one of the root namespace; in each, one for exactly the host before any wildcard.

/** Istio's default. With another root namespace, the rules there count as those of any foreign namespace. */
export const ROOT_NAMESPACE = 'istio-system';

const namespaceOf = ({ metadata }: DestinationRule): string => metadata.namespace ?? '';

/** The rules of the Service's namespace that name it, in any spelling, the oldest first: Istio merges those it obeys. */
export const rulesNaming = (rules: readonly DestinationRule[], service: string): DestinationRule[] =>
  rules.filter((rule) => namesService(rule.spec.host, service, namespaceOf(rule))).sort(byAge);

/** Whether Istio obeys a rule that names the Service: by two of the spellings it takes another host to be meant. */
export const isObeyed = (rule: DestinationRule, host: string): boolean =>
  fullHost(rule.spec.host, namespaceOf(rule)) === host;

/** Whether clients obey it by their labels: for all others it is not there. */
export const isForSome = ({ spec }: DestinationRule): boolean => spec['workloadSelector'] !== undefined;

const closest = (rules: readonly DestinationRule[], host: string): DestinationRule | undefined =>
  rules.find((rule) => isObeyed(rule, host)) ??
  rules
    .filter(({ spec }) => fitsWildcard(spec.host, host))
    .sort((left, right) => right.spec.host.length - left.spec.host.length)[0];

/**
 * The rule whose place a new one for exactly the Service's host would take.
 * @param root rules of the root namespace
 */
export const inheritedRuleOf = (
  { rules, root }: { rules: readonly DestinationRule[]; root: readonly DestinationRule[] },
  service: string,
  namespace: string,
): DestinationRule | undefined => {
  const host = hostOf(service, namespace);
  const wildcards = rules.filter((rule) => isWildcard(rule.spec.host) && !isForSome(rule)).sort(byAge);
  const visible = root.filter((rule) => isVisibleIn(visibilityOf(rule), namespace) && !isForSome(rule));
  return closest(wildcards, host) ?? closest(visible.sort(byAge), host);
};
