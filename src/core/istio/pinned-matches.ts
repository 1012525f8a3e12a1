import type { JsonObject } from '../objects.ts';
import type { PinnedRequests } from '../pinned-requests.ts';
import type { StringMatch } from '../share.ts';
import { type Demand, demandsOf, joinMatches } from '../value-match.ts';
import { spelledAnew } from './header-names.ts';

// Matches of the routes that go before one of the user's and take some of its requests to a side. Their names tell such
// a route from the user's.

type Values = { [name: string]: StringMatch };
export type HttpMatch = JsonObject & { name?: string; headers?: Values; queryParams?: Values };

const NAME = 'kanari';

const isOurs = ({ name }: HttpMatch): boolean => name === NAME || name?.startsWith(`${NAME}-`) === true;

/** Whether nobody but Kanari writes such a route. */
export const isPinned = ({ match = [] }: { match?: HttpMatch[] }): boolean =>
  match.length > 0 && match.every(isOurs);

type Joined =
  | { kind: 'match'; match: HttpMatch }
  /** No request fits both. */
  | { kind: 'never' }
  /** Istio has no words for it. */
  | { kind: 'limit'; limit: string };

/** A header has room for any number of demands. */
const joinHeader = (user: HttpMatch, { name, match }: Demand): Joined => {
  const spelled = spelledAnew(name, user.headers ?? {});
  return spelled === undefined
    ? { kind: 'limit', limit: `the header ${name} is matched too often` }
    : { kind: 'match', match: { ...user, headers: { ...user.headers, [spelled]: match } } };
};

const joinQuery = (user: HttpMatch, { name, match }: Demand): Joined => {
  const { queryParams = {} } = user;
  const own = Object.hasOwn(queryParams, name) ? queryParams[name] : undefined;
  const joined = own === undefined ? match : joinMatches(own, match);
  if (joined === 'never') return { kind: 'never' };
  if (joined === 'unsayable')
    return { kind: 'limit', limit: `the query parameter ${name} is matched by a regular expression already` };
  return { kind: 'match', match: { ...user, queryParams: { ...queryParams, [name]: joined } } };
};

const join = (user: HttpMatch, demands: readonly Demand[]): Joined => {
  const name = user.name === undefined ? NAME : `${NAME}-${user.name}`;
  let joined: Joined = { kind: 'match', match: { ...user, name } };
  for (const demand of demands) {
    if (joined.kind !== 'match') break;
    joined = (demand.on === 'header' ? joinHeader : joinQuery)(joined.match, demand);
  }
  return joined;
};

export type PinnedMatches = { ok: true; match: HttpMatch[] } | { ok: false; limit: string };

/** The requests of a user's route that are among the pinned; with no match none of them is. */
export const pinnedMatches = (
  user: readonly HttpMatch[] | undefined,
  { anyOf }: PinnedRequests,
): PinnedMatches => {
  const users = user === undefined || user.length === 0 ? [{}] : user;
  const joined = users.flatMap((one) => anyOf.map((all) => join(one, demandsOf(all))));
  const limited = joined.find(({ kind }) => kind === 'limit');
  if (limited?.kind === 'limit') return { ok: false, limit: limited.limit };
  return { ok: true, match: joined.flatMap((each) => (each.kind === 'match' ? [each.match] : [])) };
};
