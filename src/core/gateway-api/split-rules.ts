import { pinnedRequests, weightsOnly } from '../pinned-requests.ts';
import type { Splits } from '../split-annotation.ts';
import type { SplitList } from '../split-list.ts';
import { matchesOf, pinnedMatches, type RouteKind } from './pinned-matches.ts';
import { rankedPathsOf } from './precedence.ts';
import { MAX_ALL_MATCHES, MAX_RULES, type Rule, type RuleMatch } from './rule.ts';
import { divideRule, type EntryOf, isLocalService, type RefScope, ruleKey } from './split-rule.ts';

// All rules of a user's route, split. Before each go those for its requests that are not drawn; also before a rule that
// is nobody's of Kanari's, where one of its path is split: else the split one's would pass it.

export interface SplitContext {
  kind: RouteKind;
  scope: RefScope;
  splits: Splits;
}

export interface SplitRules {
  rules: Rule[];
  /** By place among the user's rules; none where nothing is divided. */
  lists: ReadonlyMap<string, SplitList<unknown>>;
  /** Keys of the rules that are nobody's but Kanari's. */
  added: string[];
  /** What of the splits the route can't carry, in words: its requests are drawn by weight alone. */
  limits: string[];
}

const entryIn =
  (splits: Splits, { namespace }: RefScope): EntryOf =>
  (ref) =>
    isLocalService(ref, namespace)
      ? Object.values(splits).find(({ services }) => services.includes(ref.name))
      : undefined;

/** By rule, the Deployments whose requests have to be told apart there. */
const concernedBy = (rules: readonly Rule[], { kind, scope, splits }: SplitContext): string[][] => {
  const dividing = rules.map((rule, index) => {
    const entryOf = entryIn(splits, scope);
    if (divideRule(rule, String(index), { scope, entryOf }).lists.size === 0) return [];
    const entries = new Set((rule.backendRefs ?? []).map(entryOf));
    return Object.keys(splits).filter((name) => entries.has(splits[name]));
  });
  const paths = rules.map((rule) => rankedPathsOf(rule, kind));
  return paths.map((own) => {
    const names = dividing.filter((_, index) => [...own].some((path) => paths[index]?.has(path) === true));
    return [...new Set(names.flat())];
  });
};

/** Some filters are refused beside more than one match. */
const needsSingleMatch = ({ filters, backendRefs }: Rule): boolean =>
  JSON.stringify([filters, backendRefs]).includes('"replacePrefixMatch":');

/** A name is one rule's only. */
const withMatches = (rule: Rule, matches: RuleMatch[]): Rule[] => {
  const { name: _name, ...unnamed } = rule;
  if (matches.length === 0) return [];
  return needsSingleMatch(rule)
    ? matches.map((match) => ({ ...unnamed, matches: [match] }))
    : [{ ...unnamed, matches }];
};

const roomLimit = (rules: readonly Rule[]): string | undefined => {
  if (rules.length > MAX_RULES) return `it would need ${rules.length} rules, and may have ${MAX_RULES}`;
  const matches = rules.reduce((sum, each) => sum + (each.matches ?? []).length, 0);
  return matches > MAX_ALL_MATCHES
    ? `it would need ${matches} matches, and may have ${MAX_ALL_MATCHES}`
    : undefined;
};

const trySplit = (users: readonly Rule[], context: SplitContext): SplitRules => {
  const { kind, scope, splits } = context;
  const lists = new Map<string, SplitList<unknown>>();
  const limits: (string | undefined)[] = [];
  const added: Rule[] = [];
  const concerned = concernedBy(users, context);
  const rules = users.flatMap((user, index) => {
    const place = String(index);
    const divide = (each: Splits) => divideRule(user, place, { scope, entryOf: entryIn(each, scope) });
    const pinned = pinnedRequests(splits, concerned[index] ?? []).flatMap((requests) => {
      const found = pinnedMatches(matchesOf(user.matches, kind), requests, kind);
      if (!found.ok) limits.push(found.limit);
      return found.ok ? withMatches(divide(requests.splits).rule, found.matches) : [];
    });
    const base = divide(splits);
    limits.push(base.limit);
    for (const [at, list] of base.lists) lists.set(at, list);
    added.push(...pinned);
    return [...pinned, base.rule];
  });
  limits.push(added.length > 0 ? roomLimit(rules) : undefined);
  return {
    rules,
    lists,
    added: [...new Set(added.map(ruleKey))],
    limits: [...new Set(limits.flatMap((limit) => limit ?? []))],
  };
};

/** Where a route can't carry all of a share, it carries the weight alone. */
export const splitRules = (users: readonly Rule[], context: SplitContext): SplitRules => {
  const whole = trySplit(users, context);
  if (whole.limits.length === 0) return whole;
  const byWeight = trySplit(users, { ...context, splits: weightsOnly(context.splits) });
  return { ...byWeight, limits: whole.limits };
};
