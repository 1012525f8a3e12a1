import type { RouteKind } from './pinned-matches.ts';
import { matchesOf } from './pinned-matches.ts';
import type { Rule, RuleMatch } from './rule.ts';

// Of several rules that fit a request, the Gateway API does not take the first: paths come before headers, and among
// rules of one path those with more headers go first. So a demand that is added to one rule lets it pass others of the
// same path.

/** Regular expressions are ranked by nobody knows what: all of them count as one path. */
const REGEX = 'regex';

const httpKey = ({ path: { type = 'PathPrefix', value = '/' } = {} }: RuleMatch): string =>
  type === 'RegularExpression'
    ? REGEX
    : `${type} ${type === 'PathPrefix' ? value.replace(/\/$/, '') : value}`;

const grpcKey = ({ method }: RuleMatch): string => {
  const { type = 'Exact', service = '', method: name = '' } = (method ?? {}) as Record<string, string>;
  return type === 'RegularExpression' ? REGEX : `${service}/${name}`;
};

/** Paths of a rule, as far as they rank. */
export const rankedPathsOf = ({ matches }: Rule, kind: RouteKind): Set<string> =>
  new Set(matchesOf(matches, kind).map(kind === 'HTTPRoute' ? httpKey : grpcKey));
