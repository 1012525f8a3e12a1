import fc from 'fast-check';
import { affinityAtWork } from '../../src/core/affinity.ts';
import type { RequestMatch, Share, StringMatch } from '../../src/core/share.ts';

// Requests of clients, and what a share says about each of them.

export interface Request {
  path: string;
  /** By name in small letters. */
  headers: Record<string, string>;
  cookies: Record<string, string>;
  query: Record<string, string>;
}

const values = fc.constantFrom('b', 'beta', 'a');
const some = (...names: string[]) => fc.dictionary(fc.constantFrom(...names), values, { maxKeys: 2 });
const drawn = fc
  .tuple(fc.constantFrom('primary', 'canary'), fc.constantFrom('1-3fa9c2d4e5.1', '1-3fa9c2d4e5.2'))
  .map((parts) => parts.join('.'));

export const arbitraryRequest: fc.Arbitrary<Request> = fc
  .record({
    path: fc.constantFrom('/', '/a', '/a/b'),
    headers: some('x-group', 'x-beta', 'x-other'),
    cookies: some('group', 'beta', 'xgroup'),
    draw: fc.dictionary(fc.constantFrom('kanari', 'a.b', 'aXb'), drawn, { maxKeys: 2 }),
    query: some('beta', 'other'),
  })
  .map(({ draw, cookies, ...request }) => ({ ...request, cookies: { ...cookies, ...draw } }));

/** As a browser sends them. */
export const cookieHeader = ({ cookies }: Request): string | undefined =>
  Object.keys(cookies).length === 0
    ? undefined
    : Object.entries(cookies)
        .map(([name, value]) => `${name}=${value}`)
        .join('; ');

/** A proxy's headers. */
export const headersOf = (request: Request): Record<string, string | undefined> => ({
  ...request.headers,
  cookie: cookieHeader(request) ?? request.headers['cookie'],
});

export const meets = (value: string | undefined, match: StringMatch): boolean => {
  if (value === undefined) return false;
  if ('exact' in match) return value === match.exact;
  if ('prefix' in match) return value.startsWith(match.prefix);
  return new RegExp(`^(?:${match.regex})$`).test(value);
};

const all = (
  matches: Record<string, StringMatch> = {},
  valueOf: (name: string) => string | undefined,
): boolean => Object.entries(matches).every(([name, match]) => meets(valueOf(name), match));

const fits = (request: Request, { headers, cookies, query }: RequestMatch): boolean =>
  all(headers, (name) => headersOf(request)[name.toLowerCase()]) &&
  all(cookies, (name) => request.cookies[name]) &&
  all(query, (name) => request.query[name]);

/** The part of such requests, 0 to 1, that a share gives to the canary. */
export const canaryShare = (request: Request, share: Share): number => {
  if (share.match?.some((match) => fits(request, match)) === true) return 1;
  const affinity = affinityAtWork(share);
  const drawnFor = affinity && request.cookies[affinity.cookie];
  if (drawnFor === `canary.${affinity?.token}`) return 1;
  return drawnFor === `primary.${affinity?.token}` ? 0 : share.weight / 100;
};
