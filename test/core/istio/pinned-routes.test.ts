import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Destination, Route } from '../../../src/core/istio/split-route.ts';
import {
  limitsOfVirtualService,
  restoreVirtualService,
  splitVirtualService,
  type VirtualService,
} from '../../../src/core/istio/virtual-service.ts';
import type { Share } from '../../../src/core/share.ts';
import type { Splits } from '../../../src/core/split-annotation.ts';
import { arbitraryShare } from '../arbitrary-share.ts';
import { arbitraryRequest, canaryShare, headersOf, meets, type Request } from '../requests.ts';
import { arbitraryVirtualService } from './arbitrary-virtual-service.ts';

const of = (share: Partial<Share>): Splits => ({ web: { services: ['web'], weight: 0, ...share } });
const virtualService = (spec: object): VirtualService => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web', namespace: 'shop' },
  spec: spec as VirtualService['spec'],
});
const web = { destination: { host: 'web' } };
const half = (side: string, weight: number, more: object = {}): object => ({
  destination: { host: 'web', subset: `kanari-${side}` },
  weight,
  ...more,
});
const halves = (primary: number, canary: number): object[] => [
  half('primary', primary),
  half('canary', canary),
];
const cookieOf = (name: string, value: string): object => ({
  regex: `^(?:.*;\\s*)?${name}=${value}(?:\\s*;.*)?$`,
});

interface Case {
  user: object;
  share: Partial<Share>;
  http: object[];
}

describe('a VirtualService with a share that is more than a weight', () => {
  const beta = { headers: { 'X-Group': { exact: 'beta' } } };
  const affinity = { cookie: 'a.b', maxAgeSeconds: 60, token: 't1' };
  const setCookie = (side: string): string => `a.b=${side}.t1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax`;
  const cases: Record<string, Case> = {
    'A/B: the requests that fit go to the canary before all others go to the primary': {
      user: { timeout: '3s', route: [web] },
      share: { match: [beta] },
      http: [
        {
          timeout: '3s',
          match: [{ name: 'kanari', headers: { 'x-group': { exact: 'beta' } } }],
          route: halves(0, 100),
        },
        { timeout: '3s', route: halves(100, 0) },
      ],
    },
    "each of the user's matches is joined with each of the policy's": {
      user: {
        match: [
          { uri: { prefix: '/a' }, name: 'a' },
          { uri: { prefix: '/b' }, headers: { 'x-user': {} } },
        ],
        route: [web],
      },
      share: { match: [beta, { query: { beta: { prefix: '1' } }, cookies: { c: { regex: '^x$' } } }] },
      http: [
        {
          match: [
            { name: 'kanari-a', uri: { prefix: '/a' }, headers: { 'x-group': { exact: 'beta' } } },
            {
              name: 'kanari-a',
              uri: { prefix: '/a' },
              headers: { cookie: cookieOf('c', '(?:x)') },
              queryParams: { beta: { prefix: '1' } },
            },
            {
              name: 'kanari',
              uri: { prefix: '/b' },
              headers: { 'x-user': {}, 'x-group': { exact: 'beta' } },
            },
            {
              name: 'kanari',
              uri: { prefix: '/b' },
              headers: { 'x-user': {}, cookie: cookieOf('c', '(?:x)') },
              queryParams: { beta: { prefix: '1' } },
            },
          ],
          route: halves(0, 100),
        },
        {
          match: [
            { uri: { prefix: '/a' }, name: 'a' },
            { uri: { prefix: '/b' }, headers: { 'x-user': {} } },
          ],
          route: halves(100, 0),
        },
      ],
    },
    'a header that the user matches too is asked for in another spelling of its name': {
      user: { match: [{ headers: { cookie: { regex: '.*' }, Cookie: { exact: 'x' } } }], route: [web] },
      share: { match: [{ cookies: { c: { exact: '1' }, d: { prefix: '2' } } }] },
      http: [
        {
          match: [
            {
              name: 'kanari',
              headers: {
                cookie: { regex: '.*' },
                Cookie: { exact: 'x' },
                cOokie: cookieOf('c', '1'),
                COokie: cookieOf('d', '2[^;]*'),
              },
            },
          ],
          route: halves(0, 100),
        },
        {
          match: [{ headers: { cookie: { regex: '.*' }, Cookie: { exact: 'x' } } }],
          route: halves(100, 0),
        },
      ],
    },
    "no route is made for a parameter of the query that can't have both values": {
      user: { match: [{ queryParams: { beta: { exact: 'no' } } }], route: [web] },
      share: { match: [{ query: { beta: { prefix: 'yes' } } }] },
      http: [{ match: [{ queryParams: { beta: { exact: 'no' } } }], route: halves(100, 0) }],
    },
    'requests that fit reach a foreign destination as before': {
      user: {
        route: [
          { ...web, weight: 40 },
          { destination: { host: 'db' }, weight: 60 },
        ],
      },
      share: { match: [beta] },
      http: [
        {
          match: [{ name: 'kanari', headers: { 'x-group': { exact: 'beta' } } }],
          route: [...halves(0, 40), { destination: { host: 'db' }, weight: 60 }],
        },
        { route: [...halves(40, 0), { destination: { host: 'db' }, weight: 60 }] },
      ],
    },
    'a route to others is left alone': {
      user: { route: [{ destination: { host: 'db' } }] },
      share: { match: [beta], mirror: 5 },
      http: [{ route: [{ destination: { host: 'db' } }] }],
    },
    'mirroring: the canary gets copies of the share of requests that the primary has': {
      user: {
        route: [
          { ...web, weight: 40 },
          { destination: { host: 'db' }, weight: 60 },
        ],
      },
      share: { mirror: 10 },
      http: [
        {
          route: [...halves(40, 0), { destination: { host: 'db' }, weight: 60 }],
          mirrors: [{ destination: { host: 'web', subset: 'kanari-canary' }, percentage: { value: 4 } }],
        },
      ],
    },
    "beside the user's mirrors": {
      user: { route: [web], mirrors: [{ destination: { host: 'db' } }] },
      share: { mirror: 10 },
      http: [
        {
          route: halves(100, 0),
          mirrors: [
            { destination: { host: 'db' } },
            { destination: { host: 'web', subset: 'kanari-canary' }, percentage: { value: 10 } },
          ],
        },
      ],
    },
    "beside the user's one mirror, which moves into the list with its percentage": {
      user: { route: [web], mirror: { host: 'web' }, mirrorPercent: 7 },
      share: { mirror: 100 },
      http: [
        {
          route: halves(100, 0),
          mirrorPercent: 7,
          mirrors: [
            { destination: { host: 'web', subset: 'kanari-canary' }, percentage: { value: 100 } },
            { destination: { host: 'web', subset: 'kanari-primary' }, percentage: { value: 7 } },
          ],
        },
      ],
    },
    'affinity: both sides say which they are, and are kept to': {
      user: { route: [web] },
      share: { weight: 20, affinity },
      http: [
        {
          match: [{ name: 'kanari', headers: { cookie: cookieOf('a\\.b', 'canary\\.t1') } }],
          route: halves(0, 100),
        },
        {
          match: [{ name: 'kanari', headers: { cookie: cookieOf('a\\.b', 'primary\\.t1') } }],
          route: halves(100, 0),
        },
        {
          route: [
            half('primary', 80, { headers: { response: { add: { 'set-cookie': setCookie('primary') } } } }),
            half('canary', 20, { headers: { response: { add: { 'set-cookie': setCookie('canary') } } } }),
          ],
        },
      ],
    },
    "the user's own cookies and header operations stay": {
      user: {
        route: [
          { ...web, headers: { request: { remove: ['x'] }, response: { add: { 'set-cookie': 'u=1' } } } },
        ],
      },
      share: { weight: 20, affinity },
      http: [
        expect.anything() as object,
        expect.anything() as object,
        {
          route: ['primary', 'canary'].map((side) =>
            half(side, side === 'canary' ? 20 : 80, {
              headers: {
                request: { remove: ['x'] },
                response: { add: { 'set-cookie': 'u=1', 'Set-cookie': setCookie(side) } },
              },
            }),
          ),
        },
      ],
    },
    'affinity says nothing while one side has everything': {
      user: { route: [web] },
      share: { weight: 0, affinity },
      http: [{ route: halves(100, 0) }],
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { user, share, http }) => {
    const object = virtualService({ http: [user] });
    const split = splitVirtualService(object, of(share));
    expect(split.spec.http).toEqual(http);
    expect(limitsOfVirtualService(object, of(share))).toEqual([]);
    expect(restoreVirtualService(split)).toEqual(object);
  });

  it('leaves tcp and tls routes their weights: connections have no headers', () => {
    const streams = { tcp: [{ route: [web] }], tls: [{ route: [web] }] };
    const split = splitVirtualService(
      virtualService(streams),
      of({ weight: 20, mirror: 5, match: [beta], affinity }),
    );
    expect(split.spec).toEqual({ tcp: [{ route: halves(80, 20) }], tls: [{ route: halves(80, 20) }] });
  });

  it('tells what it can not say, and sends those requests to the primary', () => {
    const object = virtualService({
      http: [{ match: [{ queryParams: { beta: { regex: 'b.*' } } }], route: [web] }],
    });
    const asked = of({ match: [{ query: { beta: { exact: 'beta' } } }] });
    expect(limitsOfVirtualService(object, asked)).toEqual([
      'VirtualService web, http/0: the query parameter beta is matched by a regular expression already',
    ]);
    const split = splitVirtualService(object, asked);
    expect(split.spec.http).toEqual([{ ...object.spec.http?.[0], route: halves(100, 0) }]);
    expect(restoreVirtualService(split)).toEqual(object);
  });

  it('keeps what the user edits mid-run, and drops what he edits of ours', () => {
    const user = virtualService({ http: [{ route: [web] }] });
    const split = splitVirtualService(user, of({ match: [beta], mirror: 5 }));
    const http = (split.spec.http ?? []).map((route) => ({ ...route, timeout: '9s' }));
    const edited = { ...split, spec: { http: [{ redirect: { uri: '/' } }, ...http] } };
    expect(restoreVirtualService(edited).spec).toEqual({
      http: [{ redirect: { uri: '/' } }, { timeout: '9s', route: [web] }],
    });
  });
});

const routeFor = ({ spec }: VirtualService, request: Request): Route | undefined =>
  spec.http?.find(
    ({ match = [] }) =>
      match.length === 0 ||
      match.some(
        ({ uri, headers = {}, queryParams = {} }) =>
          (uri === undefined || meets(request.path, uri as { prefix: string })) &&
          Object.entries(headers).every(([name, wanted]) =>
            asks(headersOf(request)[name.toLowerCase()], wanted),
          ) &&
          Object.entries(queryParams).every(([name, wanted]) => asks(request.query[name], wanted)),
      ),
  );
/** An empty demand is for any value. */
const asks = (value: string | undefined, match: Parameters<typeof meets>[1]): boolean =>
  Object.keys(match).length === 0 ? value !== undefined : meets(value, match);

/** The parts of the route's traffic, 0 to 1, by what `keyOf` calls their destinations. */
const partsBy = (
  route: Route | undefined,
  keyOf: (target: Destination) => string,
): Record<string, number> => {
  const list = route?.route ?? [];
  const total = list.reduce((sum, { weight = 0 }) => sum + weight, 0);
  const parts: Record<string, number> = {};
  for (const { destination, weight = 0 } of list) {
    const part = list.length === 1 ? 1 : weight / total;
    if (part > 0) parts[keyOf(destination)] = (parts[keyOf(destination)] ?? 0) + part;
  }
  return parts;
};

const isOurs = ({ subset }: Destination): boolean => subset?.startsWith('kanari-') === true;
const hostOf = ({ host, port, subset }: Destination): string =>
  JSON.stringify([host, port, isOurs({ host, subset: subset ?? '' }) ? undefined : subset]);

const close = (parts: Record<string, number>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, expect.closeTo(part, 6) as unknown]));

const OURS = { match: 0, route: 0, mirror: 0, mirrors: 0 };

describe('whatever the VirtualService, the share and the request', () => {
  it('the request takes the way it always took, to the side that the share says', () => {
    fc.assert(
      fc.property(arbitraryVirtualService, arbitraryShare, arbitraryRequest, (user, share, request) => {
        const splits = of(share);
        if (limitsOfVirtualService(user, splits).length > 0) return;
        const before = routeFor(user, request);
        const after = routeFor(splitVirtualService(user, splits), request);
        expect({ ...after, ...OURS }).toEqual({ ...before, ...OURS });
        expect(partsBy(after, hostOf)).toEqual(close(partsBy(before, hostOf)));
        const { ours = 0, canary = 0 } = partsBy(after, (target) => {
          if (!isOurs(target)) return 'foreign';
          return target.subset === 'kanari-canary' ? 'canary' : 'ours';
        });
        if (ours + canary > 0) expect(canary / (ours + canary)).toBeCloseTo(canaryShare(request, share), 6);
      }),
      { numRuns: 1_000 },
    );
  });
});
