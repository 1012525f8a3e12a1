import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { DestinationRule } from '../../src/core/istio/destination-rule.ts';
import { fullHost, hostOf } from '../../src/core/istio/hosts.ts';
import { parseSubset } from '../../src/core/istio/subsets.ts';
import { destinationsOf, type VirtualService } from '../../src/core/istio/virtual-service.ts';
import { isVisibleIn, visibilityOf } from '../../src/core/istio/visibility.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import { jsonKey } from '../../src/core/same-json.ts';
import { createIstioRouter } from '../../src/traffic/istio.ts';
import type { TrafficTarget } from '../../src/traffic/router.ts';
import { arbitraryVirtualService } from '../core/istio/arbitrary-virtual-service.ts';
import { createFakeIstioApi, type FakeIstioApi } from './fake-istio-api.ts';
import { service } from './router-contract.ts';

// A whole run, whatever Istio's objects a cluster has.

const signal = new AbortController().signal;
const target: TrafficTarget = {
  key: 'shop/web',
  owner: undefined,
  services: [
    service('web', [
      { name: 'http', port: 80 },
      { name: 'redis', port: 6379 },
    ]),
    service('api', [{ port: 8080 }]),
  ],
  podLabels: { version: 'v1' },
};

const SPLIT = ['web', 'api'].map((name) => hostOf(name, 'shop'));

const namespace = fc.constantFrom('shop', 'shop', 'shop', 'edge', 'istio-system');
const exportTo = fc.constantFrom<(string[] | undefined)[]>(undefined, undefined, ['*'], ['.'], ['.', 'edge']);
const exported = (list: string[] | undefined) => (list === undefined ? {} : { exportTo: list });

const route = fc
  .record({
    object: arbitraryVirtualService,
    namespace,
    exportTo,
    hosts: fc.constantFrom(['web'], ['api', 'web.shop.svc.cluster.local'], ['*.local'], ['web.shop'], []),
    gateways: fc.constantFrom(undefined, ['edge'], ['edge', 'mesh']),
  })
  .map(({ object, gateways, ...at }) => {
    const { exportTo: _, gateways: __, ...spec } = object.spec;
    return {
      ...object,
      metadata: { ...object.metadata, namespace: at.namespace },
      spec: {
        ...spec,
        hosts: at.hosts,
        ...exported(at.exportTo),
        ...(gateways === undefined ? {} : { gateways }),
      },
    };
  });

const rule = fc
  .record({
    namespace,
    exportTo,
    host: fc.constantFrom('web', 'api', 'web.shop', 'web.shop.svc.cluster.local', '*.local', '*', 'db'),
    subsets: fc.constantFrom<DestinationRule['spec']['subsets'][]>(
      undefined,
      [],
      [{ name: 'v1', labels: { version: 'v1' } }],
    ),
    policy: fc.boolean(),
  })
  .map(
    ({ host, subsets, policy, ...at }): DestinationRule => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'rule', namespace: at.namespace },
      spec: {
        host,
        ...exported(at.exportTo),
        ...(subsets === undefined ? {} : { subsets }),
        ...(policy ? { trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } } : {}),
      },
    }),
  );

const cluster = fc
  .tuple(fc.array(route, { maxLength: 3 }), fc.array(rule, { maxLength: 3 }))
  .map(([routes, rules]): KubeObject[] =>
    [...routes, ...rules].map((object, index) => ({
      ...object,
      metadata: { ...object.metadata, name: `user-${index}` },
    })),
  );

const setUp = (users: readonly KubeObject[], webhook: boolean) => {
  const api = createFakeIstioApi();
  api.webhook = webhook;
  for (const object of users) api.put(object);
  const log = { warn: () => undefined };
  const router = createIstioRouter({ stores: api.stores, writer: api.writer, reader: api.reader, log });
  return { api, router };
};
const all = ({ stores }: FakeIstioApi): (VirtualService | DestinationRule)[] => [
  ...stores.virtualServices.list(),
  ...stores.destinationRules.list(),
];
const asWritten = (api: FakeIstioApi): string[] =>
  all(api).map(({ metadata: { resourceVersion: _, ...metadata }, ...object }) =>
    jsonKey({ ...object, metadata: { ...metadata, managedFields: undefined } }),
  );

it('gives every object back as it was, makes each write once, and leaves nothing behind', async () => {
  await fc.assert(
    fc.asyncProperty(cluster, fc.boolean(), async (users, webhook) => {
      const { api, router } = setUp(users, webhook);
      const before = asWritten(api);
      const settled = async (act: () => Promise<void>): Promise<void> => {
        await act();
        const { length } = api.writes;
        await act();
        expect(api.writes.slice(length)).toEqual([]);
      };
      await settled(() => router.ensureDestinations(target, signal));
      expect(router.read(target).destinations).toBe(true);
      for (const weight of [0, 20, 33]) await settled(() => router.setShare(target, { weight }, signal));
      await settled(() => router.restore(target, signal));
      expect(router.read(target).routesRestored).toBe(true);
      await settled(() => router.removeDestinations(target, signal));
      expect(router.read(target).destinationsRemoved).toBe(true);
      expect(asWritten(api)).toEqual(before);
    }),
    { numRuns: 60 },
  );
});

/** The subsets that a proxy of the namespace knows of a Service of the shop, as Istio looks them up. */
const subsetsKnownIn = (rules: readonly DestinationRule[], client: string, host: string): string[] => {
  const from = (place: string) => rules.filter(({ metadata }) => metadata.namespace === place);
  const visible = (place: string) => from(place).filter((each) => isVisibleIn(visibilityOf(each), client));
  const fitting = (candidates: readonly DestinationRule[]): DestinationRule[] => {
    const named = (each: DestinationRule) => fullHost(each.spec.host, each.metadata.namespace ?? '');
    const exact = candidates.filter((each) => named(each) === host);
    const wildcards = candidates
      .filter((each) => named(each).startsWith('*') && host.endsWith(named(each).slice(1)))
      .sort((left, right) => right.spec.host.length - left.spec.host.length);
    return exact.length > 0 ? exact : wildcards.slice(0, 1);
  };
  const places = [client === 'istio-system' ? [] : from(client), visible('shop'), visible('istio-system')];
  const decides = places.map(fitting).find((found) => found.length > 0) ?? [];
  return decides.flatMap(({ spec }) => spec.subsets ?? []).map(({ name }) => name);
};

it('sends no request to a subset that the client’s proxy does not know, unless something is in the way', async () => {
  await fc.assert(
    fc.asyncProperty(cluster, async (users) => {
      const { api, router } = setUp(users, true);
      const before = api.stores.destinationRules.list();
      fc.pre(router.obstacleTo(target) === undefined);
      await router.ensureDestinations(target, signal);
      await router.setShare(target, { weight: 20 }, signal);
      expect(router.read(target)).toMatchObject({ split: true, share: { weight: 20 } });
      const rules = api.stores.destinationRules.list();
      for (const object of api.stores.virtualServices.inNamespace('shop')) {
        for (const client of ['shop', 'edge', 'istio-system', 'far']) {
          const seen = isVisibleIn(visibilityOf(object), client) ? destinationsOf(object) : [];
          for (const { host, subset } of seen) {
            const full = fullHost(host, 'shop');
            const { side, of } = parseSubset(subset) ?? {};
            // What the user's own route sent to an unknown subset is no worse off.
            const isKnown = of === undefined || subsetsKnownIn(before, client, full).includes(of);
            if (side === undefined || !SPLIT.includes(full) || !isKnown) continue;
            expect(subsetsKnownIn(rules, client, full)).toContain(subset);
          }
        }
      }
    }),
    { numRuns: 150 },
  );
});
