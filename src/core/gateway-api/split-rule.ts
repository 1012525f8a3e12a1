import { createHash } from 'node:crypto';
import { affinityAtWork, setCookieOf } from '../affinity.ts';
import { CANARY, PRIMARY } from '../marks.ts';
import { copiesOf } from '../mirrored.ts';
import { jsonKey } from '../same-json.ts';
import type { SplitEntry } from '../split-annotation.ts';
import { collapseList, type Dialect, type Remembered, type SplitList, splitList } from '../split-list.ts';
import { withoutSetCookie, withSetCookie } from './affinity-filter.ts';
import { withCanaryMirrors, withoutCanaryMirrors } from './mirror-filters.ts';
import { type BackendRef, MAX_REFS, type Rule } from './rule.ts';

// One rule of a user's HTTPRoute or GRPCRoute, split and given back.

/** What references mean in one route. */
export interface RefScope {
  namespace: string | undefined;
  /** Services by the canary's that stands beside each. */
  canaries: ReadonlyMap<string, string>;
}

/** References leave neither the namespace nor the kind Service: what does is foreign, whatever its name. */
export const isLocalService = (
  { group = '', kind = 'Service', namespace }: BackendRef,
  routeNamespace: string | undefined,
): boolean => group === '' && kind === 'Service' && (namespace === undefined || namespace === routeNamespace);

const isCanaryIn =
  ({ namespace, canaries }: RefScope) =>
  (ref: BackendRef): boolean =>
    isLocalService(ref, namespace) && canaries.has(ref.name);

const dialectOf = (scope: RefScope): Dialect<BackendRef> => {
  const { canaries, namespace } = scope;
  const services = new Map([...canaries].map(([canary, service]) => [service, canary]));
  const isCanary = isCanaryIn(scope);
  const isPrimary = (ref: BackendRef): boolean => isLocalService(ref, namespace) && services.has(ref.name);
  return {
    weights: { unstated: 1, alone: undefined, max: 1_000_000 },
    maxLength: MAX_REFS,
    sideOf: (ref) => {
      if (isCanary(ref)) return CANARY;
      return isPrimary(ref) ? PRIMARY : undefined;
    },
    tellsSplit: isCanary,
    wholeOf: (ref) => {
      if (isCanary(ref)) return { ...withoutSetCookie(ref), name: canaries.get(ref.name) ?? ref.name };
      return isPrimary(ref) ? withoutSetCookie(ref) : ref;
    },
    onSide: (ref, side) => (side === PRIMARY ? ref : { ...ref, name: services.get(ref.name) ?? ref.name }),
  };
};

const filtersIn = (place: string): string => `${place}/filters`;

/** The user's rule. */
export const collapseRule = (rule: Rule, scope: RefScope, { origins, place }: Remembered): Rule => {
  const users = withoutCanaryMirrors(rule, isCanaryIn(scope), filtersIn(place) in origins);
  if (users.backendRefs === undefined) return users;
  return { ...users, backendRefs: collapseList(users.backendRefs, dialectOf(scope), { origins, place }) };
};

/** Who splits a reference; undefined: nobody. */
export type EntryOf = (ref: BackendRef) => SplitEntry | undefined;

/** Its halves say in their answers which one they are, where there is room for it. */
const dialectFor = (scope: RefScope, entryOf: EntryOf): Dialect<BackendRef> => {
  const dialect = dialectOf(scope);
  return {
    ...dialect,
    onSide: (ref, side) => {
      const half = dialect.onSide(ref, side);
      const entry = entryOf(ref);
      const affinity = entry && affinityAtWork(entry);
      return (affinity && withSetCookie(half, setCookieOf(affinity, side))) ?? half;
    },
  };
};

/** By place in the route. */
export type SplitLists = ReadonlyMap<string, SplitList<unknown>>;

export interface DividedRule {
  rule: Rule;
  /** None where nothing is divided. */
  lists: SplitLists;
  /** What there was no room for, in words. */
  limit: string | undefined;
}

/** Remembers `filters: []`, which else would come back as no filters at all. */
const NO_FILTERS: SplitList<unknown> = { list: [], origin: { before: [], after: [] }, isTold: false };

const NO_COOKIE = 'the filters of a backendRef have no room for a Set-Cookie header';
const NO_MIRROR = 'the filters of a rule have no room for a mirror';

const lacksCookie = (ref: BackendRef, entryOf: EntryOf): boolean => {
  const entry = entryOf(ref);
  return entry !== undefined && affinityAtWork(entry) !== undefined && withSetCookie(ref, '') === undefined;
};

/** @param place the rule's among the user's */
export const divideRule = (
  user: Rule,
  place: string,
  { scope, entryOf }: { scope: RefScope; entryOf: EntryOf },
): DividedRule => {
  const { backendRefs = [] } = user;
  const split = splitList(backendRefs, dialectFor(scope, entryOf), (ref) => entryOf(ref)?.weight);
  if (split === undefined) return { rule: user, lists: new Map(), limit: undefined };
  const copies = copiesOf(split.list, dialectOf(scope), (ref) => entryOf(ref)?.mirror);
  const mirrored = withCanaryMirrors(
    user,
    copies.map(({ canary, percent }) => ({ backendRef: canary, percent })),
  );
  const lists = new Map<string, SplitList<unknown>>([[place, split]]);
  if (copies.length > 0 && user.filters?.length === 0) lists.set(filtersIn(place), NO_FILTERS);
  const unpinned = backendRefs.some((ref) => lacksCookie(ref, entryOf)) ? NO_COOKIE : undefined;
  return {
    rule: { ...(mirrored ?? user), backendRefs: split.list },
    lists,
    limit: mirrored === undefined ? NO_MIRROR : unpinned,
  };
};

/** Tells a rule of Kanari's from the user's: nobody else asks for the same and sends it to the same. */
export const ruleKey = ({ matches = [], backendRefs = [] }: Rule): string =>
  createHash('sha256')
    .update(jsonKey([matches, backendRefs.map(({ name }) => name)]))
    .digest('hex')
    .slice(0, 10);
