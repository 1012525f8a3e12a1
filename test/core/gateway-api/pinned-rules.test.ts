import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type GatewayRoute,
  limitsOfGatewayRoute,
  restoreGatewayRoute,
  splitGatewayRoute,
} from '../../../src/core/gateway-api/route.ts';
import type { BackendRef, Rule, RuleMatch, ValueMatch } from '../../../src/core/gateway-api/rule.ts';
import type { Share } from '../../../src/core/share.ts';
import type { Splits } from '../../../src/core/split-annotation.ts';
import { arbitraryShare } from '../arbitrary-share.ts';
import { arbitraryRequest, canaryShare, headersOf, meets, type Request } from '../requests.ts';
import { arbitraryGatewayRoute } from './arbitrary-gateway-route.ts';

const of = (share: Partial<Share>): Splits => ({ web: { services: ['web'], weight: 0, ...share } });
const routeOf = (rules: object[], kind = 'HTTPRoute'): GatewayRoute => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind,
  metadata: { name: 'web', namespace: 'shop' },
  spec: { rules: rules as Rule[] },
});
const web = { name: 'web', port: 80 };
const db = { name: 'db', port: 80, weight: 1 };
const halves = (primary: number, canary: number, more: object = {}): object[] => [
  { ...web, ...more, weight: primary },
  { ...web, ...more, name: 'web-canary', weight: canary },
];
const root = { path: { type: 'PathPrefix', value: '/' } };
const asked = (name: string, value: string): object => ({ type: 'Exact', name, value });
const beta = { headers: { 'X-Group': { exact: 'beta' } } };
const affinity = { cookie: 'k', maxAgeSeconds: 60, token: 't1' };
const setCookie = (side: string): object => ({
  name: 'Set-Cookie',
  value: `k=${side}.t1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax`,
});
const pinned = (side: string): object => ({
  ...root,
  headers: [
    {
      type: 'RegularExpression',
      name: 'cookie',
      value: `^(?:(?:.*;\\s*)?k=${side}\\.t1(?:\\s*;.*)?)$`,
    },
  ],
});

interface Case {
  user: object[];
  kind?: string;
  share: Partial<Share>;
  rules: object[];
}

describe('a route of the Gateway API with a share that is more than a weight', () => {
  const cases: Record<string, Case> = {
    'A/B: the requests that fit go to the canary, all others to the primary': {
      user: [{ name: 'all', timeouts: { request: '3s' }, backendRefs: [web] }],
      share: { match: [beta, { query: { v: { prefix: '2' } } }] },
      rules: [
        {
          timeouts: { request: '3s' },
          matches: [
            { ...root, headers: [asked('x-group', 'beta')] },
            { ...root, queryParams: [{ type: 'RegularExpression', name: 'v', value: '^2.*$' }] },
          ],
          backendRefs: halves(0, 1),
        },
        { name: 'all', timeouts: { request: '3s' }, backendRefs: halves(1, 0) },
      ],
    },
    'so does a GRPCRoute, by its metadata': {
      kind: 'GRPCRoute',
      user: [{ matches: [{ method: { service: 'shop.Cart' } }], backendRefs: [web] }],
      share: { match: [beta] },
      rules: [
        {
          matches: [{ method: { service: 'shop.Cart' }, headers: [asked('x-group', 'beta')] }],
          backendRefs: halves(0, 1),
        },
        { matches: [{ method: { service: 'shop.Cart' } }], backendRefs: halves(1, 0) },
      ],
    },
    'a more particular rule of the same path stays the more particular': {
      user: [
        { matches: [root], backendRefs: [web] },
        { matches: [{ ...root, headers: [asked('y', '1')] }], backendRefs: [db] },
        { matches: [{ path: { type: 'Exact', value: '/' } }], backendRefs: [db] },
      ],
      share: { match: [beta] },
      rules: [
        { matches: [{ ...root, headers: [asked('x-group', 'beta')] }], backendRefs: halves(0, 1) },
        { matches: [root], backendRefs: halves(1, 0) },
        { matches: [{ ...root, headers: [asked('y', '1'), asked('x-group', 'beta')] }], backendRefs: [db] },
        { matches: [{ ...root, headers: [asked('y', '1')] }], backendRefs: [db] },
        { matches: [{ path: { type: 'Exact', value: '/' } }], backendRefs: [db] },
      ],
    },
    'filters that stand no second match get a rule for each': {
      user: [
        {
          filters: [
            {
              type: 'URLRewrite',
              urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } },
            },
          ],
          backendRefs: [web],
        },
      ],
      share: { match: [beta, { headers: { b: { exact: '1' } } }] },
      rules: [
        ...[asked('x-group', 'beta'), asked('b', '1')].map((header) => ({
          filters: expect.anything() as object,
          matches: [{ ...root, headers: [header] }],
          backendRefs: halves(0, 1),
        })),
        { filters: expect.anything() as object, backendRefs: halves(1, 0) },
      ],
    },
    'mirroring: the canary gets copies of the share of requests that the primary has': {
      user: [
        { filters: [{ type: 'RequestRedirect' }], backendRefs: [web] },
        {
          backendRefs: [
            { ...web, weight: 1 },
            { ...db, weight: 2 },
          ],
        },
      ],
      share: { mirror: 10 },
      rules: [
        {
          filters: [
            { type: 'RequestRedirect' },
            {
              type: 'RequestMirror',
              requestMirror: {
                backendRef: { group: '', kind: 'Service', name: 'web-canary', port: 80 },
                percent: 10,
              },
            },
          ],
          backendRefs: halves(1, 0),
        },
        {
          filters: [
            {
              type: 'RequestMirror',
              requestMirror: {
                backendRef: { group: '', kind: 'Service', name: 'web-canary', port: 80 },
                fraction: { numerator: 33_333, denominator: 1_000_000 },
              },
            },
          ],
          backendRefs: [...halves(1, 0), { ...db, weight: 2 }],
        },
      ],
    },
    'affinity: both sides say which they are, and are kept to': {
      user: [
        {
          backendRefs: [
            {
              ...web,
              filters: [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['server'] } }],
            },
          ],
        },
      ],
      share: { weight: 20, affinity },
      rules: [
        { matches: [pinned('canary')], backendRefs: halves(0, 1, { filters: expect.anything() as object }) },
        { matches: [pinned('primary')], backendRefs: halves(1, 0, { filters: expect.anything() as object }) },
        {
          backendRefs: (['primary', 'canary'] as const).map((side) => ({
            ...web,
            name: side === 'canary' ? 'web-canary' : 'web',
            weight: side === 'canary' ? 20 : 80,
            filters: [
              {
                type: 'ResponseHeaderModifier',
                responseHeaderModifier: { remove: ['server'], add: [setCookie(side)] },
              },
            ],
          })),
        },
      ],
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { user, kind, share, rules }) => {
    const route = routeOf(user, kind);
    const split = splitGatewayRoute(route, of(share));
    expect(split.spec.rules).toEqual(rules);
    expect(limitsOfGatewayRoute(route, of(share))).toEqual([]);
    expect(restoreGatewayRoute(split)).toEqual(route);
  });

  const many = (count: number, more: object = {}): object[] =>
    Array.from({ length: count }, (_, index) => ({
      matches: [{ path: { type: 'Exact', value: `/${index}` } }],
      backendRefs: [web],
      ...more,
    }));
  const limited: Record<string, { user: object[]; kind?: string; share: Partial<Share>; limit: string }> = {
    'more rules than a route may have': {
      user: many(9),
      share: { match: [beta] },
      limit: 'HTTPRoute web: it would need 18 rules, and may have 16',
    },
    'more matches than a rule may have': {
      user: [{ matches: Array.from({ length: 33 }, () => root), backendRefs: [web] }],
      share: { match: [beta, { headers: { b: { exact: '1' } } }] },
      limit: 'HTTPRoute web: a rule would need more than 64 matches',
    },
    'more matches than a route may have': {
      user: many(2, { matches: Array.from({ length: 40 }, () => root) }),
      share: { match: [beta] },
      limit: 'HTTPRoute web: it would need 160 matches, and may have 128',
    },
    'a header that a rule of the same path matches itself': {
      user: [
        { backendRefs: [web] },
        { matches: [{ ...root, headers: [asked('x-GROUP', 'beta')] }], backendRefs: [db] },
      ],
      share: { match: [beta] },
      limit: 'HTTPRoute web: a rule matches the header x-group itself',
    },
    'two cookies in one match': {
      user: [{ backendRefs: [web] }],
      share: { match: [{ cookies: { a: { exact: '1' }, b: { exact: '1' } } }] },
      limit: 'HTTPRoute web: a match can ask the header cookie for one thing only',
    },
    'query parameters of a GRPCRoute': {
      kind: 'GRPCRoute',
      user: [{ backendRefs: [web] }],
      share: { match: [{ query: { a: { exact: '1' } } }] },
      limit: 'GRPCRoute web: a GRPCRoute can not match query parameters',
    },
    "a cookie beside the user's own": {
      user: [
        {
          backendRefs: [
            {
              ...web,
              filters: [
                {
                  type: 'ResponseHeaderModifier',
                  responseHeaderModifier: { set: [{ name: 'set-cookie', value: '' }] },
                },
              ],
            },
          ],
        },
      ],
      share: { weight: 20, affinity },
      limit: 'HTTPRoute web: the filters of a backendRef have no room for a Set-Cookie header',
    },
    'one filter more than a rule may have': {
      user: [{ filters: Array.from({ length: 16 }, () => ({ type: 'ExtensionRef' })), backendRefs: [web] }],
      share: { mirror: 5 },
      limit: 'HTTPRoute web: the filters of a rule have no room for a mirror',
    },
  };
  it.each(Object.entries(limited))(
    'tells that it can not say %s, and splits by weight alone',
    (_name, each) => {
      const route = routeOf(each.user, each.kind);
      expect(limitsOfGatewayRoute(route, of(each.share))).toEqual([each.limit]);
      const split = splitGatewayRoute(route, of(each.share));
      expect(split.spec).toEqual(splitGatewayRoute(route, of({ weight: each.share.weight ?? 0 })).spec);
      expect(restoreGatewayRoute(split)).toEqual(route);
    },
  );

  it('a route that needs nothing of it may be as full as it likes', () => {
    const route = routeOf(many(16));
    expect(limitsOfGatewayRoute(route, of({ weight: 20 }))).toEqual([]);
    expect(limitsOfGatewayRoute(routeOf(many(16, { backendRefs: [db] })), of({ match: [beta] }))).toEqual([]);
  });

  it('keeps what the user edits mid-run, and drops what he edits of ours', () => {
    const user = routeOf([{ matches: [root], backendRefs: [web] }]);
    const split = splitGatewayRoute(user, of({ match: [beta], mirror: 5 }));
    const rules = (split.spec.rules ?? []).map((rule) => ({ ...rule, timeouts: { request: '9s' } }));
    const edited = { ...split, spec: { rules: [{ backendRefs: [db] }, ...rules] } };
    expect(restoreGatewayRoute(edited).spec).toEqual({
      rules: [{ backendRefs: [db] }, { matches: [root], timeouts: { request: '9s' }, backendRefs: [web] }],
    });
  });
});

const pathRank = ({ path: { type = 'PathPrefix', value = '/' } = {} }: RuleMatch): [number, number] => [
  type === 'Exact' ? 1 : 0,
  value.replace(/\/$/, '').length,
];
const hasPath = ({ path: { type = 'PathPrefix', value = '/' } = {} }: RuleMatch, path: string): boolean => {
  const prefix = value.replace(/\/$/, '');
  return type === 'Exact' ? path === value : path === prefix || path.startsWith(`${prefix}/`);
};
const has = (wanted: ValueMatch[] = [], valueOf: (name: string) => string | undefined): boolean =>
  wanted.every(({ type = 'Exact', name, value }) =>
    meets(valueOf(name), type === 'Exact' ? { exact: value } : { regex: value }),
  );

/** The rule that a conformant implementation takes: by path, number of headers, number of parameters, place. */
const ruleFor = ({ spec }: GatewayRoute, request: Request): Rule | undefined => {
  const fitting = (spec.rules ?? []).flatMap((rule, index) =>
    (rule.matches === undefined || rule.matches.length === 0 ? [{}] : rule.matches)
      .filter(
        (match: RuleMatch) =>
          hasPath(match, request.path) &&
          has(match.headers, (name) => headersOf(request)[name.toLowerCase()]) &&
          has(match.queryParams, (name) => request.query[name]),
      )
      .map((match: RuleMatch) => ({
        rule,
        rank: [...pathRank(match), match.headers?.length ?? 0, match.queryParams?.length ?? 0, -index],
      })),
  );
  const before = (left: number[], right: number[]): number => {
    const differing = left.findIndex((value, place) => value !== right[place]);
    return differing === -1 ? 0 : (right[differing] ?? 0) - (left[differing] ?? 0);
  };
  return fitting.sort((left, right) => before(left.rank, right.rank))[0]?.rule;
};

const partsBy = (rule: Rule | undefined, keyOf: (ref: BackendRef) => string): Record<string, number> => {
  const refs = rule?.backendRefs ?? [];
  const total = refs.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const parts: Record<string, number> = {};
  for (const ref of refs) {
    const part = (ref.weight ?? 1) / total;
    if (part > 0) parts[keyOf(ref)] = (parts[keyOf(ref)] ?? 0) + part;
  }
  return parts;
};

const isLocal = ({ namespace = 'shop', kind = 'Service', group = '' }: BackendRef): boolean =>
  namespace === 'shop' && kind === 'Service' && group === '';
const backendOf = (ref: BackendRef): string => {
  const { name, namespace, kind, group, port = 0 } = ref;
  return JSON.stringify([
    isLocal(ref) ? name.replace(/^web-canary$/, 'web') : name,
    namespace,
    kind,
    group,
    port,
  ]);
};
const close = (parts: Record<string, number>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, expect.closeTo(part, 4) as unknown]));

const OURS = { name: 0, matches: 0, backendRefs: 0, filters: 0 };

describe('whatever the HTTPRoute, the share and the request', () => {
  it('the request takes the way it always took, to the side that the share says', () => {
    // Shares of weights too large to be multiplied are rounded.
    const http = arbitraryGatewayRoute.filter(
      (route) => route.kind === 'HTTPRoute' && !/"weight":\d{5}/.test(JSON.stringify(route)),
    );
    // No plan asks for both: a Gateway puts the header of a pin before a query parameter that matches.
    const given = arbitraryShare.filter(
      ({ match, affinity }) => match === undefined || affinity === undefined,
    );
    fc.assert(
      fc.property(http, given, arbitraryRequest, (user, share, request) => {
        const splits = of(share);
        if (limitsOfGatewayRoute(user, splits).length > 0) return;
        const split = splitGatewayRoute(user, splits);
        const before = ruleFor(user, request);
        const after = ruleFor(split, request);
        expect({ ...after, ...OURS }).toEqual({ ...before, ...OURS });
        expect(partsBy(after, backendOf)).toEqual(close(partsBy(before, backendOf)));
        if (!split.metadata.annotations?.['kanari.dev/split-origin']) return;
        const { ours = 0, canary = 0 } = partsBy(after, (ref) => {
          if (!isLocal(ref) || !/^web(-canary)?$/.test(ref.name)) return 'foreign';
          return ref.name === 'web' ? 'ours' : 'canary';
        });
        const isWhole = (after?.backendRefs ?? []).every(({ name }) => name !== 'web-canary');
        if (ours + canary > 0 && !isWhole)
          expect(canary / (ours + canary)).toBeCloseTo(canaryShare(request, share), 4);
      }),
      { numRuns: 2_000 },
    );
  });
});
