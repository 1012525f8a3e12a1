import { describe, expect, it } from 'vitest';
import type { KubeObject, Service } from '../../src/core/objects.ts';
import { isOwn } from '../../src/core/route-change.ts';
import { withCanaryAddress } from '../../src/traffic/canary-address.ts';
import { createIstioRouter } from '../../src/traffic/istio.ts';
import type { TrafficTarget } from '../../src/traffic/router.ts';
import { createFakeIstioApi } from './fake-istio-api.ts';
import { bare, userService } from './gateway-world.ts';
import { observed } from './observed.ts';
import { describeRouterContract } from './router-contract.ts';

const signal = new AbortController().signal;
const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-1', controller: true };

const setUp = (...others: KubeObject[]) => {
  const web = userService('web');
  const api = createFakeIstioApi();
  for (const object of [web, ...others]) api.put(object);
  const options = {
    stores: api.stores,
    writer: api.writer,
    reader: api.reader,
    log: { warn: () => undefined },
  };
  const router = withCanaryAddress(createIstioRouter(options), options);
  const target: TrafficTarget = { key: 'shop/web', owner, services: [web], addressed: true };
  const services = (): Service[] => api.stores.services.list();
  const own = (): Service[] => services().filter(isOwn);
  return { api, router, target, services, own };
};

const routeTo = (host: string): KubeObject =>
  ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'tests', namespace: 'shop' },
    spec: { hosts: ['tests'], http: [{ route: [{ destination: { host } }] }] },
  }) as KubeObject;

describeRouterContract('A router with an address of the canary', () => {
  const { api, router, target, services } = setUp();
  const all = (): KubeObject[] => [
    ...api.stores.virtualServices.list(),
    ...api.stores.destinationRules.list(),
    ...services(),
  ];
  return {
    router,
    target,
    ...observed(api, all, bare),
  };
});

describe('the address of a canary', () => {
  it('has its pods alone, the ports of the Service, and goes with the Deployment', async () => {
    const { router, target, own } = setUp();
    expect(router.read(target).destinations).toBe(false);
    await router.ensureDestinations(target, signal);
    expect(own()).toMatchObject([
      {
        metadata: { name: 'web-canary', ownerReferences: [owner] },
        spec: { selector: { app: 'web', 'kanari.dev/version': 'canary' }, ports: [{ port: 80 }] },
      },
    ]);
    expect(router.read(target).destinations).toBe(true);
  });

  it('is made for nobody who does not ask for one, and taken away all the same', async () => {
    const { router, target, own } = setUp();
    const unasked = { ...target, addressed: false };
    await router.ensureDestinations(unasked, signal);
    expect(own()).toEqual([]);
    await router.ensureDestinations(target, signal);
    expect(router.read(unasked).destinationsRemoved).toBe(false);
    await router.removeDestinations(unasked, signal);
    expect(own()).toEqual([]);
    expect(router.read(unasked).destinationsRemoved).toBe(true);
  });

  it('comes again when somebody deletes it', async () => {
    const { api, router, target, own } = setUp();
    await router.ensureDestinations(target, signal);
    api.remove('Service', 'web-canary');
    expect(router.read(target).destinations).toBe(false);
    await router.ensureDestinations(target, signal);
    expect(own()).toHaveLength(1);
  });

  const taken: [string, KubeObject][] = [
    ['a Service of the user has', userService('web-canary')],
    ['a route of the user leads to', routeTo('web-canary')],
    ['a route of the user leads to in full', routeTo('web-canary.shop.svc.cluster.local')],
  ];
  it.each(taken)('has another name than one that %s', async (_, object) => {
    const { router, target, own, services } = setUp(object);
    const before = services().map(bare);
    await router.ensureDestinations(target, signal);
    const [address, ...more] = own();
    expect(more).toEqual([]);
    expect(address?.metadata.name).toMatch(/^web-.*canary/);
    expect(address?.metadata.name).not.toBe('web-canary');
    const users = services().filter((service) => !isOwn(service));
    expect(users.map(bare)).toEqual(before);
    expect(router.read(target).destinations).toBe(true);
  });
});
