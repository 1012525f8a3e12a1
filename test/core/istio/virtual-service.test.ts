import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isVirtualService,
  restoreVirtualService,
  splitVirtualService,
  type VirtualService,
} from '../../../src/core/istio/virtual-service.ts';
import { SPLIT_ORIGIN_ANNOTATION } from '../../../src/core/marks.ts';
import type { Splits } from '../../../src/core/split-annotation.ts';
import { arbitraryShare } from '../arbitrary-share.ts';
import { arbitraryVirtualService } from './arbitrary-virtual-service.ts';

const at = (weight: number): Splits => ({ web: { services: ['web'], weight, subsets: ['v1'] } });
const virtualService = (spec: object): VirtualService => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web', namespace: 'shop' },
  spec: spec as VirtualService['spec'],
});
const to = (host: string, subset: string | undefined, weight?: number): object => ({
  destination: subset === undefined ? { host } : { host, subset },
  ...(weight === undefined ? {} : { weight }),
});
const halves = (host: string, primary: number, canary: number): object[] => [
  to(host, 'kanari-primary', primary),
  to(host, 'kanari-canary', canary),
];

describe('splitting a VirtualService at 20 %', () => {
  const cases: Record<string, { spec: object; expect: object }> = {
    'a route without weight': {
      spec: { http: [{ route: [to('web', undefined)] }] },
      expect: { http: [{ route: halves('web', 80, 20) }] },
    },
    'every spelling of the host': {
      spec: {
        http: ['web.shop', 'web.shop.svc', 'web.shop.svc.cluster.local'].map((h) => ({
          route: [to(h, undefined)],
        })),
      },
      expect: {
        http: ['web.shop', 'web.shop.svc', 'web.shop.svc.cluster.local'].map((h) => ({
          route: halves(h, 80, 20),
        })),
      },
    },
    'the same name in another namespace is another Service': {
      spec: { http: [{ route: [to('web.other', undefined)] }] },
      expect: { http: [{ route: [to('web.other', undefined)] }] },
    },
    'tcp and tls routes': {
      spec: { tcp: [{ route: [to('web', undefined)] }], tls: [{ route: [to('web', undefined)] }] },
      expect: { tcp: [{ route: halves('web', 80, 20) }], tls: [{ route: halves('web', 80, 20) }] },
    },
    'a foreign destination keeps its share, all in hundredths': {
      spec: { http: [{ route: [to('web', undefined, 99), to('db', undefined, 1)] }] },
      expect: { http: [{ route: [...halves('web', 7920, 1980), to('db', undefined, 100)] }] },
    },
    'a mirror goes to the primary': {
      spec: {
        http: [
          { redirect: { uri: '/' }, mirror: { host: 'web' }, mirrors: [{ destination: { host: 'web' } }] },
        ],
      },
      expect: {
        http: [
          {
            redirect: { uri: '/' },
            mirror: { host: 'web', subset: 'kanari-primary' },
            mirrors: [{ destination: { host: 'web', subset: 'kanari-primary' } }],
          },
        ],
      },
    },
    "a user's subset is split within when the entry lists it, else left alone": {
      spec: { http: [{ route: [to('web', 'v1', 50), to('web', 'v2', 50)] }] },
      expect: {
        http: [
          {
            route: [
              to('web', 'kanari-primary-v1', 40),
              to('web', 'kanari-canary-v1', 10),
              to('web', 'v2', 50),
            ],
          },
        ],
      },
    },
    'every other field of a destination is on both halves': {
      spec: {
        http: [{ route: [{ destination: { host: 'web', port: { number: 80 } }, headers: { a: 1 } }] }],
      },
      expect: {
        http: [
          {
            route: [
              {
                destination: { host: 'web', port: { number: 80 }, subset: 'kanari-primary' },
                headers: { a: 1 },
                weight: 80,
              },
              {
                destination: { host: 'web', port: { number: 80 }, subset: 'kanari-canary' },
                headers: { a: 1 },
                weight: 20,
              },
            ],
          },
        ],
      },
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { spec, expect: expected }) => {
    expect(splitVirtualService(virtualService(spec), at(20)).spec).toEqual(expected);
  });

  it('needs no origin for the usual route, and remembers a stated 100', () => {
    const originOf = (spec: object): string | undefined =>
      splitVirtualService(virtualService(spec), at(20)).metadata.annotations?.[SPLIT_ORIGIN_ANNOTATION];
    expect(originOf({ http: [{ route: [to('web', undefined)] }] })).toBeUndefined();
    expect(originOf({ http: [{ route: [to('web', undefined, 100)] }] })).toBe(
      '{"http/0":{"before":[100],"after":[80,20]}}',
    );
  });
});

describe('restoring', () => {
  it('gives back what the user edited in the split object mid-run', () => {
    const split = splitVirtualService(
      virtualService({ http: [{ route: [to('web', undefined, 100)] }] }),
      at(20),
    );
    const edited = { ...split, spec: { http: [{ timeout: '3s', route: split.spec.http![0]!.route! }] } };
    expect(restoreVirtualService(edited).spec).toEqual({
      http: [{ timeout: '3s', route: [to('web', undefined, 100)] }],
    });
  });

  it("keeps the shares when the user edited the split's weights", () => {
    const spec = { http: [{ route: [...halves('web', 10, 40), to('db', undefined, 50)] }] };
    expect(restoreVirtualService(virtualService(spec)).spec).toEqual({
      http: [{ route: [to('web', undefined, 50), to('db', undefined, 50)] }],
    });
  });

  it('makes a whole of a half that lost its other half', () => {
    const spec = { http: [{ route: [to('web', 'kanari-canary', 30), to('db', undefined, 70)] }] };
    expect(restoreVirtualService(virtualService(spec)).spec).toEqual({
      http: [{ route: [to('web', undefined, 30), to('db', undefined, 70)] }],
    });
  });

  it('leaves no annotations map behind', () => {
    const user = virtualService({ http: [{ route: [to('web', undefined)] }] });
    expect(restoreVirtualService(splitVirtualService(user, at(20))).metadata).toEqual(user.metadata);
  });

  it('is what splitting by nobody means', () => {
    const user = virtualService({ http: [{ route: [to('web', undefined)] }] });
    expect(splitVirtualService(splitVirtualService(user, at(20)), {})).toEqual(user);
  });
});

describe('a shape that the API server will refuse', () => {
  it.each([{}, { http: 'x' }, { http: [{ route: [{}] }] }, { http: [null] }])('%j is not ours', (spec) => {
    expect(isVirtualService(virtualService(spec))).toBe(JSON.stringify(spec) === '{}');
  });
});

const splits = fc.record({ web: arbitraryShare, api: arbitraryShare }).map(
  ({ web, api }): Splits => ({
    web: { services: ['web'], ...web, subsets: ['v1'] },
    api: { services: ['api'], ...api },
  }),
);

describe('whatever the VirtualService', () => {
  it('restore(split(x)) is x', () => {
    fc.assert(
      fc.property(arbitraryVirtualService, splits, (user, wanted) => {
        expect(restoreVirtualService(splitVirtualService(user, wanted))).toEqual(user);
      }),
      { numRuns: 500 },
    );
  });

  it('restore(x) is x', () => {
    fc.assert(
      fc.property(arbitraryVirtualService, (user) => {
        expect(restoreVirtualService(user)).toEqual(user);
      }),
    );
  });

  it('a split replaces the split before', () => {
    fc.assert(
      fc.property(arbitraryVirtualService, splits, splits, (user, first, second) => {
        const split = splitVirtualService(user, first);
        expect(splitVirtualService(split, first)).toEqual(split);
        expect(splitVirtualService(split, second)).toEqual(splitVirtualService(user, second));
      }),
    );
  });

  it('input is never changed', () => {
    fc.assert(
      fc.property(arbitraryVirtualService, splits, (user, wanted) => {
        const before = structuredClone(user);
        restoreVirtualService(splitVirtualService(user, wanted));
        expect(user).toEqual(before);
      }),
    );
  });
});
