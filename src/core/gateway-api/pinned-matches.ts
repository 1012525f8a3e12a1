import type { PinnedRequests } from '../pinned-requests.ts';
import type { StringMatch } from '../share.ts';
import { type Demand, demandsOf, joinMatches, valueRegex } from '../value-match.ts';
import { MAX_MATCHES, MAX_VALUES, type RuleMatch, type ValueMatch } from './rule.ts';

// Matches of the rules that take some requests of the user's rules to a side of their own. One match asks each header
// and each query parameter for one thing only, and knows no prefixes of values.

export type RouteKind = 'HTTPRoute' | 'GRPCRoute';

type Joined<T> =
  | { kind: 'match'; match: T }
  /** No request fits. */
  | { kind: 'never' }
  /** The Gateway API has no words for it. */
  | { kind: 'limit'; limit: string };

const wordsOf = ({ on, name }: Demand): string =>
  on === 'header' ? `header ${name}` : `query parameter ${name}`;

/** Each value asked for once. */
const united = (demands: readonly Demand[]): Joined<Demand[]> => {
  const found = new Map<string, Demand>();
  for (const demand of demands) {
    const known = found.get(wordsOf(demand));
    const match = known === undefined ? demand.match : joinMatches(known.match, demand.match);
    if (match === 'never') return { kind: 'never' };
    if (match === 'unsayable')
      return { kind: 'limit', limit: `a match can ask the ${wordsOf(demand)} for one thing only` };
    found.set(wordsOf(demand), { ...demand, match });
  }
  return { kind: 'match', match: [...found.values()] };
};

const toValue = (name: string, match: StringMatch): ValueMatch =>
  'exact' in match
    ? { type: 'Exact', name, value: match.exact }
    : { type: 'RegularExpression', name, value: valueRegex(match) };

const fromValue = ({ type = 'Exact', value }: ValueMatch): StringMatch =>
  type === 'Exact' ? { exact: value } : { regex: value };

/**
 * Adds a demand that nothing in the user's match is about. With one that is, the more particular of two rules would no
 * longer be the one with more demands.
 */
const joinDemand = (user: RuleMatch, demand: Demand): Joined<RuleMatch> => {
  const key = demand.on === 'header' ? 'headers' : 'queryParams';
  const values = user[key] ?? [];
  const same = (name: string): boolean =>
    demand.on === 'header' ? name.toLowerCase() === demand.name : name === demand.name;
  const own = values.find(({ name }) => same(name));
  if (own !== undefined && joinMatches(fromValue(own), demand.match) === 'never') return { kind: 'never' };
  if (own !== undefined) return { kind: 'limit', limit: `a rule matches the ${wordsOf(demand)} itself` };
  if (values.length >= MAX_VALUES)
    return { kind: 'limit', limit: `a match of a rule has no room for the ${wordsOf(demand)}` };
  return { kind: 'match', match: { ...user, [key]: [...values, toValue(demand.name, demand.match)] } };
};

const join = (user: RuleMatch, demands: readonly Demand[]): Joined<RuleMatch> => {
  let joined: Joined<RuleMatch> = { kind: 'match', match: user };
  for (const demand of demands) {
    if (joined.kind !== 'match') break;
    joined = joinDemand(joined.match, demand);
  }
  return joined;
};

/** Spelt as the API server stores it. */
const ANY: Readonly<Record<RouteKind, RuleMatch>> = {
  HTTPRoute: { path: { type: 'PathPrefix', value: '/' } },
  GRPCRoute: {},
};

/** The user's matches, as a rule without any has them. */
export const matchesOf = (matches: readonly RuleMatch[] = [], kind: RouteKind): RuleMatch[] =>
  matches.length === 0 ? [ANY[kind]] : matches.map((match) => ({ ...ANY[kind], ...match }));

export type PinnedMatches = { ok: true; matches: RuleMatch[] } | { ok: false; limit: string };

/** The requests of a user's rule that are among the pinned; with no match none of them is. */
export const pinnedMatches = (
  users: readonly RuleMatch[],
  { anyOf }: PinnedRequests,
  kind: RouteKind,
): PinnedMatches => {
  const asked = anyOf.map((all) => united(demandsOf(all)));
  const joined = asked.flatMap((each): Joined<RuleMatch>[] =>
    each.kind === 'match' ? users.map((user) => join(user, each.match)) : [each],
  );
  const limit = joined.find((each) => each.kind === 'limit')?.limit;
  if (limit !== undefined) return { ok: false, limit };
  const query = asked.some((each) => each.kind === 'match' && each.match.some(({ on }) => on === 'query'));
  if (query && kind === 'GRPCRoute')
    return { ok: false, limit: 'a GRPCRoute can not match query parameters' };
  const matches = joined.flatMap((each) => (each.kind === 'match' ? [each.match] : []));
  return matches.length <= MAX_MATCHES
    ? { ok: true, matches }
    : { ok: false, limit: `a rule would need more than ${MAX_MATCHES} matches` };
};
