import { z } from 'zod';

// What a canary is given of its Services' traffic, whatever routes it.

/** How one value of a request must look. */
const stringMatch = z.union([
  z.object({ exact: z.string().min(1) }),
  z.object({ prefix: z.string().min(1) }),
  /** RE2, of the whole value. */
  z.object({ regex: z.string().min(1) }),
]);

const matches = z.record(z.string().min(1), stringMatch);

/** All that is given must hold; what asks for nothing would be every request. */
const requestMatch = z
  .object({ headers: matches.optional(), cookies: matches.optional(), query: matches.optional() })
  .refine((match) => Object.values(match).some((asked) => Object.keys(asked ?? {}).length > 0));

/** What a cookie's name may be (RFC 6265), but for `%`, which Envoy takes for a variable. */
const COOKIE_NAME = /^[\w!#$&'*+.^`|~-]+$/;

const affinity = z.object({
  /** Name of the cookie that keeps a client on the side it was drawn for. Deployments of one host need one each. */
  cookie: z.string().regex(COOKIE_NAME),
  maxAgeSeconds: z.int().min(1),
  /** In the cookie's value: another one makes every client be drawn anew. */
  token: z.string().regex(/^[\w.:~-]+$/),
});

/** The parts of a share beside its weight; each is absent where there is none. */
export const shareParts = {
  /** A/B: requests that fit one of these go to the canary, all others to the primary; the weight is 0. */
  match: z.array(requestMatch).min(1).optional(),
  /** Percent of the primary's requests that the canary gets a copy of, its answers thrown away; the weight is 0. */
  mirror: z.int().min(1).max(100).optional(),
  affinity: affinity.optional(),
};

export type StringMatch = z.infer<typeof stringMatch>;
export type RequestMatch = z.infer<typeof requestMatch>;
export type Affinity = z.infer<typeof affinity>;

export interface Share {
  /** Percent, integer, 0–100. */
  weight: number;
  match?: RequestMatch[] | undefined;
  mirror?: number | undefined;
  affinity?: Affinity | undefined;
}

export const NO_SHARE: Share = { weight: 0 };

/** Requests may reach the canary: live ones, or copies of them. */
export const sendsRequests = ({ weight, match, mirror }: Share): boolean =>
  weight > 0 || match !== undefined || mirror !== undefined;

/** Nothing of it is left: neither requests nor a cookie that could bring some. */
export const isNoShare = (share: Share | undefined): boolean =>
  share !== undefined && !sendsRequests(share) && share.affinity === undefined;

/** Its parts and nothing else, in one order, so that equal shares are spelt alike. */
export const shareOf = ({ weight, match, mirror, affinity: pinned }: Share): Share => ({
  weight,
  ...(match === undefined ? {} : { match }),
  ...(mirror === undefined ? {} : { mirror }),
  ...(pinned === undefined ? {} : { affinity: pinned }),
});
