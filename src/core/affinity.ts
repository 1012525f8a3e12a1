import { CANARY, PRIMARY } from './marks.ts';
import type { Affinity, RequestMatch, Share } from './share.ts';
import type { Side } from './traffic-split.ts';

// The cookie that keeps a client on the side it was drawn for. It says which side, and in which draw; nothing about
// the client.

const valueOf = ({ token }: Affinity, side: Side): string => `${side}.${token}`;

/** For every path of the host, out of scripts' reach, and not sent along by other sites' forms. */
const attributesOf = ({ maxAgeSeconds }: Affinity): string =>
  `Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax`;

const SET_COOKIE = new RegExp(
  `^[^=;]+=(${PRIMARY}|${CANARY})\\.[^;]+; Path=/; Max-Age=[0-9]+; HttpOnly; SameSite=Lax$`,
);

/** Of a share that has both sides to keep clients on; with all requests on one, a cookie has nothing to say. */
export const affinityAtWork = ({ weight, affinity }: Share): Affinity | undefined =>
  weight > 0 && weight < 100 ? affinity : undefined;

/** Value of the Set-Cookie header with which a side answers a client that was drawn for it. */
export const setCookieOf = (affinity: Affinity, side: Side): string =>
  `${affinity.cookie}=${valueOf(affinity, side)}; ${attributesOf(affinity)}`;

/** Whether a Set-Cookie header is one of Kanari's. */
export const isSetCookie = (value: string): boolean => SET_COOKIE.test(value);

/** Requests of the clients that a side has. */
export const requestsOf = (affinity: Affinity, side: Side): RequestMatch => ({
  cookies: { [affinity.cookie]: { exact: valueOf(affinity, side) } },
});
