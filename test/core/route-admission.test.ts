import fc from 'fast-check';
import jsonPatch from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import { splitVirtualService, type VirtualService } from '../../src/core/istio/virtual-service.ts';
import { SPLIT_ANNOTATION } from '../../src/core/marks.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import { decideRoute, type RouteRequest } from '../../src/core/route-admission.ts';
import type { Splits } from '../../src/core/split-annotation.ts';
import { formatSplits } from '../../src/core/split-annotation.ts';
import { withSplits } from '../../src/core/split-object.ts';
import { arbitraryShare } from './arbitrary-share.ts';
import { arbitraryGatewayRoute } from './gateway-api/arbitrary-gateway-route.ts';
import { arbitraryVirtualService } from './istio/arbitrary-virtual-service.ts';

/** Requests of routes, whatever their spec. */
type Route = KubeObject & { spec?: unknown };
const KANARI = 'system:serviceaccount:kanari:kanari';
const at = (weight: number): Splits => ({ web: { services: ['web'], weight } });
const user: VirtualService = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web', namespace: 'shop', annotations: { team: 'a' } },
  spec: { http: [{ route: [{ destination: { host: 'web' }, weight: 100 }] }] },
};
const marked = (object: KubeObject, value: string | undefined): KubeObject => {
  const annotations = {
    ...object.metadata.annotations,
    ...(value === undefined ? {} : { [SPLIT_ANNOTATION]: value }),
  };
  return { ...object, metadata: { ...object.metadata, annotations } };
};
const split20 = splitVirtualService(user, at(20));
const split50 = splitVirtualService(user, at(50));

const decide = (request: Partial<RouteRequest> & { object: Route }) =>
  decideRoute({
    operation: 'UPDATE',
    oldObject: undefined,
    username: 'jane',
    ownUsername: KANARI,
    ...request,
  });
/** As text: no value within is the same object as another, of which a patch would change both. */
const asSent = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const stored = (request: Partial<RouteRequest> & { object: Route }): unknown =>
  jsonPatch.applyPatch(asSent(request.object), asSent(decide(request).patch)).newDocument;

const arbitraryService: fc.Arbitrary<KubeObject> = fc
  .dictionary(fc.constantFrom('app', 'kanari.dev/version'), fc.constantFrom('web', 'primary'))
  .map((selector) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector },
  }));
const arbitraryRoute: fc.Arbitrary<KubeObject> = fc.oneof(
  arbitraryVirtualService,
  arbitraryGatewayRoute,
  arbitraryService,
);

describe('the route webhook', () => {
  const cases: Record<string, { request: Partial<RouteRequest> & { object: Route }; stored: Route }> = {
    "derives the split from Kanari's annotation": {
      request: { username: KANARI, object: marked(user, formatSplits(at(20))), oldObject: user },
      stored: split20,
    },
    'moves the weight': {
      request: { username: KANARI, object: marked(split20, formatSplits(at(50))), oldObject: split20 },
      stored: split50,
    },
    "restores when Kanari's own user removes the annotation": {
      request: {
        username: KANARI,
        object: { ...split20, metadata: { ...user.metadata } },
        oldObject: split20,
      },
      stored: user,
    },
    'splits anew what the user re-applies unsplit': {
      request: { object: { ...split20, spec: user.spec }, oldObject: split20 },
      stored: split20,
    },
    'carries the split over when a PUT drops the annotations': {
      request: { object: user, oldObject: split20 },
      stored: split20,
    },
    'carries it over when the PUT is of the split object': {
      request: { object: { ...split20, metadata: user.metadata }, oldObject: split20 },
      stored: split20,
    },
    'keeps the present weight when the user applies a copy from an earlier step': {
      request: { object: split20, oldObject: split50 },
      stored: split50,
    },
    'strips and restores a copy that is created with our annotations': {
      request: { operation: 'CREATE', object: split20 },
      stored: user,
    },
    'strips and restores a copy that is applied after the run': {
      request: { object: split20, oldObject: user },
      stored: user,
    },
    "keeps the split of Kanari's own new VirtualService": {
      request: { operation: 'CREATE', username: KANARI, object: split20 },
      stored: split20,
    },
    'splits the new content when the user changes the route mid-run': {
      request: {
        object: {
          ...user,
          spec: {
            http: [
              {
                route: [
                  { destination: { host: 'web' }, weight: 33 },
                  { destination: { host: 'db' }, weight: 67 },
                ],
              },
            ],
          },
        },
        oldObject: split20,
      },
      stored: splitVirtualService(
        {
          ...user,
          spec: {
            http: [
              {
                route: [
                  { destination: { host: 'web' }, weight: 33 },
                  { destination: { host: 'db' }, weight: 67 },
                ],
              },
            ],
          },
        },
        at(20),
      ),
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { request, stored: expected }) => {
    expect(stored(request)).toEqual(expected);
  });

  it('leaves a route that nobody splits alone, whatever its shape', () => {
    expect(decide({ object: { ...user, spec: { http: 'x' } } })).toEqual({
      patch: [],
      warnings: [],
    });
  });

  it.each(['{', '[]', '{"web":{}}', '{"web":{"services":["web"],"weight":1.5}}', '""'])(
    'ignores %s in the annotation with a warning',
    (value) => {
      const object = marked(user, value);
      const { patch, warnings } = decide({ object, oldObject: object });
      expect(patch).toEqual([]);
      expect(warnings).toEqual([expect.stringContaining('kanari.dev/split: expected JSON such as')]);
    },
  );

  it('says so when it overrules the request', () => {
    expect(decide({ object: split20, oldObject: split50 }).warnings).toEqual([
      'kanari: kanari.dev/split is written by Kanari only: what the request says is ignored',
    ]);
  });

  it('leaves what the API server will refuse to the API server', () => {
    const object = marked({ ...user, spec: { http: [7] } } as KubeObject, formatSplits(at(20)));
    expect(decide({ username: KANARI, object, oldObject: user })).toEqual({ patch: [], warnings: [] });
  });

  it('gives a DestinationRule its subsets', () => {
    const rule = { ...user, kind: 'DestinationRule', spec: { host: 'web' } } as KubeObject;
    const object = marked(rule, formatSplits(at(0)));
    expect(stored({ username: KANARI, object, oldObject: rule })).toMatchObject({
      spec: { subsets: [{ name: 'kanari-primary' }, { name: 'kanari-canary' }] },
    });
  });

  it("gives a Gateway API route its references to the canary's Service, and narrows the Service", () => {
    const kinds: { apiVersion: string; kind: string; spec: object; split: object }[] = [
      ...['HTTPRoute', 'GRPCRoute'].map((kind) => ({
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind,
        spec: { rules: [{ backendRefs: [{ name: 'web', weight: 100 }] }] },
        split: {
          rules: [
            {
              backendRefs: [
                { name: 'web', weight: 80 },
                { name: 'web-canary', weight: 20 },
              ],
            },
          ],
        },
      })),
      {
        apiVersion: 'v1',
        kind: 'Service',
        spec: { selector: { app: 'web' } },
        split: { selector: { app: 'web', 'kanari.dev/version': 'primary' } },
      },
    ];
    for (const { split: expected, ...kind } of kinds) {
      const route: Route = { ...kind, metadata: user.metadata };
      const split = stored({
        username: KANARI,
        object: marked(route, formatSplits(at(20))),
        oldObject: route,
      }) as Route;
      expect(split.spec).toEqual(expected);
      // A PUT of the user's manifest: what restoring needs comes from the stored object.
      expect(stored({ object: route, oldObject: split })).toEqual(split);
      expect(stored({ username: KANARI, object: { ...split, ...route }, oldObject: split })).toEqual(route);
    }
  });

  it('adds nothing in a second pass, and touches only routes and its own annotations', () => {
    const splits = arbitraryShare.map((share): Splits => ({ web: { services: ['web'], ...share } }));
    const annotation = fc.option(splits.map(formatSplits), { nil: undefined });
    const request = fc.record({
      object: fc.tuple(arbitraryRoute, annotation).map(([object, value]) => marked(object, value)),
      oldObject: fc.option(
        fc.tuple(arbitraryRoute, splits).map(([object, wanted]) => withSplits(object, wanted) ?? object),
        { nil: undefined },
      ),
      username: fc.constantFrom(KANARI, 'jane'),
    });
    fc.assert(
      fc.property(request, (each) => {
        const { patch } = decide(each);
        for (const { path } of patch)
          expect(path).toMatch(
            /^\/spec\/(http|tcp|tls|rules|selector)\/|^\/metadata\/annotations(\/kanari\.dev~1split(-origin)?)?$/,
          );
        const object = stored(each) as KubeObject;
        expect(decide({ ...each, object }).patch).toEqual([]);
      }),
    );
  });
});
