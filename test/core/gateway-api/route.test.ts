import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type GatewayRoute,
  isGatewayRoute,
  restoreGatewayRoute,
  splitGatewayRoute,
} from '../../../src/core/gateway-api/route.ts';
import type { BackendRef } from '../../../src/core/gateway-api/rule.ts';
import { ruleKey } from '../../../src/core/gateway-api/split-rule.ts';
import { originOf, type Splits } from '../../../src/core/split-annotation.ts';
import { arbitraryShare } from '../arbitrary-share.ts';
import { arbitraryGatewayRoute } from './arbitrary-gateway-route.ts';

const at = (weight: number): Splits => ({ web: { services: ['web'], weight } });
const routeOf = (...lists: BackendRef[][]): GatewayRoute => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { rules: lists.map((backendRefs) => ({ backendRefs })) },
});
const listsOf = ({ spec }: GatewayRoute): (BackendRef[] | undefined)[] =>
  (spec.rules ?? []).map(({ backendRefs }) => backendRefs);
const to = (name: string, weight?: number, more: object = {}): BackendRef => ({
  name,
  ...more,
  ...(weight === undefined ? {} : { weight }),
});

describe('splitting a route of the Gateway API at 20 %', () => {
  const filters = { filters: [{ type: 'RequestHeaderModifier' }] };
  const cases: Record<string, { refs: BackendRef[]; splits?: Splits; expect: BackendRef[] }> = {
    'a reference without weight counts as 1': {
      refs: [to('web')],
      expect: [to('web', 80), to('web-canary', 20)],
    },
    'port and filters are copied, and every default the API server states': {
      refs: [to('web', 1, { group: '', kind: 'Service', port: 80, ...filters })],
      expect: [
        to('web', 80, { group: '', kind: 'Service', port: 80, ...filters }),
        to('web-canary', 20, { group: '', kind: 'Service', port: 80, ...filters }),
      ],
    },
    'a foreign reference keeps its share': {
      refs: [to('web', 50), to('db', 50)],
      expect: [to('web', 40), to('web-canary', 10), to('db', 50)],
    },
    'shares that are no integers multiply the rule by 100': {
      refs: [to('web', 33), to('db', 67)],
      expect: [to('web', 2640), to('web-canary', 660), to('db', 6700)],
    },
    "the route's own namespace may be named": {
      refs: [to('web', 100, { namespace: 'shop' })],
      expect: [to('web', 80, { namespace: 'shop' }), to('web-canary', 20, { namespace: 'shop' })],
    },
    'the same name in another namespace, or of another kind or group, is foreign': {
      refs: [
        to('web', 1, { namespace: 'other' }),
        to('web', 1, { kind: 'Bucket' }),
        to('web', 1, { group: 'example.com' }),
      ],
      expect: [
        to('web', 1, { namespace: 'other' }),
        to('web', 1, { kind: 'Bucket' }),
        to('web', 1, { group: 'example.com' }),
      ],
    },
    'a reference without traffic stays whole': { refs: [to('web', 0)], expect: [to('web', 0)] },
    'weights too large to be scaled are rounded in favour of the primary': {
      refs: [to('web', 999_999), to('db', 1)],
      expect: [to('web', 800_000), to('web-canary', 199_999), to('db', 1)],
    },
    'a list without room for the halves stays whole': {
      refs: Array.from({ length: 9 }, (_, index) => to('web', 100, { port: index + 1 })),
      expect: Array.from({ length: 9 }, (_, index) => to('web', 100, { port: index + 1 })),
    },
    'a list that they just fill is split': {
      refs: Array.from({ length: 8 }, (_, index) => to('web', 100, { port: index + 1 })),
      expect: Array.from({ length: 8 }, (_, index) => [
        to('web', 80, { port: index + 1 }),
        to('web-canary', 20, { port: index + 1 }),
      ]).flat(),
    },
    "a route whose user refers to the canary's Service stays whole": {
      refs: [to('web', 100), to('web-canary', 100)],
      expect: [to('web', 100), to('web-canary', 100)],
    },
    "the canary's Service may have another name": {
      refs: [to('web', 100), to('web-canary', 100)],
      splits: { web: { services: ['web'], weight: 20, canaryServices: { web: 'web-1a-canary' } } },
      expect: [to('web', 80), to('web-1a-canary', 20), to('web-canary', 100)],
    },
    'names too long for a Service are cut with a hash': {
      refs: [to('w'.repeat(63), 100)],
      splits: { web: { services: ['w'.repeat(63)], weight: 20 } },
      expect: [to('w'.repeat(63), 80), to(`${'w'.repeat(47)}-eb61332f-canary`, 20)],
    },
    'two Deployments divide one rule by their own shares': {
      refs: [to('web', 40), to('api', 60)],
      splits: { api: { services: ['api'], weight: 100 }, web: { services: ['web'], weight: 50 } },
      expect: [to('web', 20), to('web-canary', 20), to('api', 0), to('api-canary', 60)],
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { refs, splits = at(20), expect: expected }) => {
    const user = routeOf(refs);
    const split = splitGatewayRoute(user, splits);
    expect(listsOf(split)).toEqual([expected]);
    expect(restoreGatewayRoute(split)).toEqual(user);
  });

  it('splits every rule that refers to the Service, and no other', () => {
    const route = routeOf([to('web', 100)], [to('db', 1)], [to('web', 50), to('db', 50)]);
    route.spec.rules?.push({ filters: [{ type: 'RequestRedirect' }] });
    expect(listsOf(splitGatewayRoute(route, at(20)))).toEqual([
      [to('web', 80), to('web-canary', 20)],
      [to('db', 1)],
      [to('web', 40), to('web-canary', 10), to('db', 50)],
      undefined,
    ]);
  });

  it('tells rules apart that look alike once they are split', () => {
    const user = routeOf([to('web', 1)], [to('web', 100)], [to('web')]);
    const split = splitGatewayRoute(user, at(20));
    expect(new Set(listsOf(split).map((refs) => JSON.stringify(refs))).size).toBe(1);
    expect(restoreGatewayRoute(split)).toEqual(user);
  });

  it('remembers nothing when nothing in it could be split', () => {
    const split = splitGatewayRoute(routeOf([to('db', 1)]), at(20));
    expect(split.metadata.annotations).toEqual({ 'kanari.dev/split': expect.any(String) });
  });
});

describe('a split route that its user edits', () => {
  const split = splitGatewayRoute(routeOf([to('web', 100)], [to('web', 30), to('db', 70)]), at(20));
  const edited = (...lists: BackendRef[][]): GatewayRoute => ({
    ...split,
    spec: { rules: lists.map((backendRefs) => ({ backendRefs })) },
  });

  it('finds the rules again after one has been put before them', () => {
    const [first, second] = listsOf(split);
    const route = edited([to('new', 1)], first ?? [], second ?? []);
    expect(listsOf(restoreGatewayRoute(route))).toEqual([
      [to('new', 1)],
      [to('web', 100)],
      [to('web', 30), to('db', 70)],
    ]);
  });

  it('is taken as it is where the user has put the original back', () => {
    const route = edited([to('web', 7)], [to('db', 1)]);
    expect(listsOf(restoreGatewayRoute(route))).toEqual([[to('web', 7)], [to('db', 1)]]);
  });

  it('makes a whole of a half whose other half is gone', () => {
    const route = edited([to('web-canary', 20)], [to('db', 1)]);
    expect(listsOf(restoreGatewayRoute(route))).toEqual([[to('web', 20)], [to('db', 1)]]);
  });

  it('keeps weights that the user has written into the halves, as their sum', () => {
    const route = edited([to('web', 30), to('web-canary', 15), to('db', 55)]);
    expect(listsOf(restoreGatewayRoute(route))).toEqual([[to('web', 45), to('db', 55)]]);
  });
});

it('reads no route of another group, kind or shape', () => {
  const route = routeOf([to('web')]);
  expect(isGatewayRoute(route)).toBe(true);
  expect(isGatewayRoute({ ...route, apiVersion: 'gateway.networking.k8s.io/v1beta1' })).toBe(true);
  expect(isGatewayRoute({ ...route, apiVersion: 'example.com/v1' })).toBe(false);
  expect(isGatewayRoute({ ...route, kind: 'TCPRoute' })).toBe(false);
  expect(isGatewayRoute({ ...route, spec: { rules: [7] } } as never)).toBe(false);
});

const splits = fc
  .record({
    web: arbitraryShare,
    api: fc.option(arbitraryShare, { nil: undefined }),
    elsewhere: fc.boolean(),
  })
  .map(
    ({ web, api, elsewhere }): Splits => ({
      web: {
        services: ['web'],
        ...web,
        ...(elsewhere ? { canaryServices: { web: 'web-1a-canary' } } : {}),
      },
      ...(api === undefined ? {} : { api: { services: ['api'], ...api } }),
    }),
  );
const isForeign = ({ name, namespace = 'shop', kind = 'Service', group = '' }: BackendRef): boolean =>
  !/^(web|api)(-1a)?(-canary)?$/.test(name) || namespace !== 'shop' || kind !== 'Service' || group !== '';
const sum = (refs: BackendRef[]): number => refs.reduce((total, { weight = 1 }) => total + weight, 0);

describe('whatever the route', () => {
  it('restore(split(x)) is x, splitting twice is splitting once, and another weight starts from x', () => {
    fc.assert(
      fc.property(arbitraryGatewayRoute, splits, splits, (user, first, second) => {
        const split = splitGatewayRoute(user, first);
        expect(restoreGatewayRoute(split)).toEqual(user);
        expect(restoreGatewayRoute(user)).toEqual(user);
        expect(splitGatewayRoute(split, first)).toEqual(split);
        const moved = splitGatewayRoute(split, second);
        expect(moved).toEqual(splitGatewayRoute(user, second));
        expect(restoreGatewayRoute(moved)).toEqual(user);
      }),
    );
  });

  it('every foreign reference keeps its share exactly, and the schema is kept', () => {
    fc.assert(
      fc.property(arbitraryGatewayRoute, splits, (user, each) => {
        const lists = new Map(listsOf(user).map((refs, index) => [index, refs ?? []]));
        const split = splitGatewayRoute(user, each);
        const { added = [] } = (originOf(split) ?? {}) as { added?: string[] };
        const own = (split.spec.rules ?? []).filter((rule) => !added.includes(ruleKey(rule)));
        expect(split.spec.rules?.length ?? 0).toBeLessThanOrEqual(16);
        for (const [index, { backendRefs: after = [] }] of own.entries()) {
          const refs = lists.get(index) ?? [];
          expect(after.length).toBeLessThanOrEqual(16);
          for (const { weight = 1 } of after) {
            expect(Number.isInteger(weight)).toBe(true);
            expect(weight).toBeLessThanOrEqual(1_000_000);
          }
          const foreign = after.filter(isForeign);
          for (const [place, ref] of refs.filter(isForeign).entries())
            expect(BigInt(foreign[place]?.weight ?? 1) * BigInt(sum(refs))).toBe(
              BigInt(ref.weight ?? 1) * BigInt(sum(after)),
            );
        }
      }),
    );
  });
});
