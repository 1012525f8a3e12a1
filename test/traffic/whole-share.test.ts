import { describe, expect, it } from 'vitest';
import type { JsonObject, KubeObject } from '../../src/core/objects.ts';
import { NO_SHARE, type Share } from '../../src/core/share.ts';
import { createGatewayRouter } from '../../src/traffic/gateway-api.ts';
import { createIstioRouter } from '../../src/traffic/istio.ts';
import type { TrafficRouter, TrafficTarget } from '../../src/traffic/router.ts';
import { createFakeIstioApi, type FakeIstioApi } from './fake-istio-api.ts';
import { bare, gatewayRoute, ref, startGateway, userService } from './gateway-world.ts';

// What of a share is more than a weight goes through every router that has routes, and comes out of them again.

const signal = new AbortController().signal;
const affinity = { cookie: 'kanari-web', maxAgeSeconds: 3_600 };
const beta = { headers: { 'x-group': { exact: 'beta' } }, query: { v: { prefix: '2' } } };
/** A run's, in the order in which no request meets a canary that is not there. */
const SHARES: readonly Share[] = [
  NO_SHARE,
  { weight: 0, match: [beta, { cookies: { group: { regex: 'a|b' } } }] },
  NO_SHARE,
  { weight: 0, mirror: 10 },
  { weight: 20, affinity: { ...affinity, token: '1' } },
  { weight: 50, affinity: { ...affinity, token: '2' } },
  NO_SHARE,
];

interface World {
  api: FakeIstioApi;
  router: TrafficRouter;
  target: TrafficTarget;
}

const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-1', controller: true };
const virtualService = (match: object[]): KubeObject =>
  ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { hosts: ['web'], http: [{ match, route: [{ destination: { host: 'web' } }] }] },
  }) as KubeObject;

const WORLDS: Record<string, (queryParams: JsonObject, headers: JsonObject[]) => World> = {
  Istio: (queryParams) => {
    const api = createFakeIstioApi();
    api.put(virtualService([{ uri: { prefix: '/a' }, queryParams }]));
    const log = { warn: () => undefined };
    const router = createIstioRouter({ stores: api.stores, writer: api.writer, reader: api.reader, log });
    const services = [userService('web')];
    return { api, router, target: { key: 'shop/web', owner, services, podLabels: {} } };
  },
  'the Gateway API': (_, headers) => {
    const api = createFakeIstioApi();
    startGateway(api);
    const services = [userService('web')];
    const path = { type: 'PathPrefix', value: '/a' };
    for (const object of [
      ...services,
      gatewayRoute('web', [{ matches: [{ path, headers }], backendRefs: [ref('web')] }]),
    ])
      api.put(object);
    const log = { warn: () => undefined };
    const router = createGatewayRouter({ stores: api.stores, writer: api.writer, reader: api.reader, log });
    return { api, router, target: { key: 'shop/web', owner, services } };
  },
};

describe.each(Object.entries(WORLDS))('%s', (_name, create) => {
  it.each([true, false])(
    'reads back each share that it wrote, and restores; webhook: %s',
    async (webhook) => {
      const { api, router, target } = create({}, []);
      api.webhook = webhook;
      const route = (): KubeObject | undefined =>
        api.get('VirtualService', 'web') ?? api.get('HTTPRoute', 'web');
      const before = (bare(route() as KubeObject) as { spec: unknown }).spec;
      await router.ensureDestinations(target, signal);
      for (const share of SHARES) {
        await router.setShare(target, share, signal);
        expect(router.read(target)).toMatchObject({ split: true });
        expect(router.read(target).share).toEqual(share);
        const writes = api.writes.length;
        await router.setShare(target, share, signal);
        expect(api.writes.length).toBe(writes);
      }
      await router.setShare(target, SHARES[1] as Share, signal);
      await router.restore(target, signal);
      expect((bare(route() as KubeObject) as { spec: unknown }).spec).toEqual(before);
      expect(route()?.metadata.annotations).toBeUndefined();
    },
  );

  it('says what its routes can not carry, until they can', async () => {
    const { router, target } = create({ v: { regex: '.*' } }, [
      { type: 'Exact', name: 'X-Group', value: 'beta' },
    ]);
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    expect(router.read(target).obstacle).toBeUndefined();
    await router.setShare(target, { weight: 0, match: [beta] }, signal);
    expect(router.read(target).obstacle).toMatchObject({ reason: 'TrafficUnsupported' });
    await router.setShare(target, NO_SHARE, signal);
    expect(router.read(target).obstacle).toBeUndefined();
  });
});
