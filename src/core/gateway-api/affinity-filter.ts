import { isSetCookie } from '../affinity.ts';
import { type BackendRef, type Filter, type HeaderOperation, MAX_FILTERS, MAX_HEADERS } from './rule.ts';

// The Set-Cookie header that a reference adds to its backend's answers. It may have one filter for headers of answers,
// and in it one operation on a header: where the user's own is in the way, there is no room.

const TYPE = 'ResponseHeaderModifier';
const NAME = 'Set-Cookie';

const isCookie = (name: string): boolean => name.toLowerCase() === NAME.toLowerCase();

const hasRoom = ({ responseHeaderModifier = {} }: Filter): boolean => {
  const { set = [], add = [], remove = [] } = responseHeaderModifier;
  const named = [...set.map(({ name }) => name), ...add.map(({ name }) => name), ...remove];
  return add.length < MAX_HEADERS && !named.some(isCookie);
};

const withAdded = (filter: Filter, add: HeaderOperation[]): Filter => ({
  ...filter,
  responseHeaderModifier: { ...filter.responseHeaderModifier, add },
});

/** Undefined where there is no room for it. */
export const withSetCookie = (ref: BackendRef, value: string): BackendRef | undefined => {
  const { filters = [] } = ref;
  const own = filters.find(({ type }) => type === TYPE) ?? { type: TYPE };
  if (!hasRoom(own)) return undefined;
  const ours = withAdded(own, [...(own.responseHeaderModifier?.add ?? []), { name: NAME, value }]);
  if (filters.includes(own)) {
    return { ...ref, filters: filters.map((each) => (each === own ? ours : each)) };
  }
  return filters.length < MAX_FILTERS ? { ...ref, filters: [...filters, ours] } : undefined;
};

const isOurs = ({ value }: HeaderOperation): boolean => isSetCookie(value);

/** The user's filter, undefined if there was none. */
const collapseFilter = (filter: Filter): Filter | undefined => {
  const { add = [], ...others } = filter.responseHeaderModifier ?? {};
  if (!add.some(isOurs)) return filter;
  const users = add.filter((each) => !isOurs(each));
  if (users.length > 0) return withAdded(filter, users);
  return Object.keys(others).length === 0 ? undefined : { ...filter, responseHeaderModifier: others };
};

/** Takes it out, and the lists that held nothing else. */
export const withoutSetCookie = (ref: BackendRef): BackendRef => {
  const { filters = [], ...rest } = ref;
  const users = filters.flatMap((filter) => collapseFilter(filter) ?? []);
  if (users.length > 0) return { ...ref, filters: users };
  return filters.length === 0 ? ref : rest;
};
