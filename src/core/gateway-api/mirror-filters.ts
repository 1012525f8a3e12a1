import { type BackendRef, type Filter, MAX_FILTERS, type Rule } from './rule.ts';

// Copies of a rule's requests for the canary's Service, beside those that the user has made.

const TYPE = 'RequestMirror';

/** Of a rule's requests for a backend, the percentage, above 0. */
export interface CanaryMirror {
  backendRef: BackendRef;
  percent: number;
}

const FINE = 1_000_000;

const shareOf = (
  percent: number,
): { percent: number } | { fraction: { numerator: number; denominator: number } } =>
  Number.isInteger(percent)
    ? { percent }
    : { fraction: { numerator: Math.round((percent / 100) * FINE), denominator: FINE } };

const filterOf = ({ backendRef, percent }: CanaryMirror): Filter => {
  const { weight: _weight, filters: _filters, ...target } = backendRef;
  return {
    type: TYPE,
    // Spelt as the API server stores it.
    requestMirror: {
      backendRef: { ...(target as BackendRef), group: '', kind: 'Service' },
      ...shareOf(percent),
    },
  };
};

/** Undefined where there is no room for them. */
export const withCanaryMirrors = (rule: Rule, copies: readonly CanaryMirror[]): Rule | undefined => {
  if (copies.length === 0) return rule;
  const filters = [...(rule.filters ?? []), ...copies.map(filterOf)];
  return filters.length <= MAX_FILTERS ? { ...rule, filters } : undefined;
};

/** Takes them out. @param wasListed whether the user had a list of filters, if only an empty one */
export const withoutCanaryMirrors = (
  rule: Rule,
  isCanary: (ref: BackendRef) => boolean,
  wasListed: boolean,
): Rule => {
  const { filters = [], ...rest } = rule;
  const users = filters.filter(({ requestMirror }) => !requestMirror || !isCanary(requestMirror.backendRef));
  if (users.length === filters.length) return rule;
  return users.length > 0 || wasListed ? { ...rule, filters: users } : rest;
};
