import { describe, expect, it } from 'vitest';
import type { KubeObject, StringMap } from '../../src/core/objects.ts';
import { createIstioRouter } from '../../src/traffic/istio.ts';
import { createIstioOrReplicas } from '../../src/traffic/istio-or-replicas.ts';
import { createPassiveRouter } from '../../src/traffic/replica-ratio.ts';
import type { TrafficTarget } from '../../src/traffic/router.ts';
import { createStores } from '../scheduler/fake-cluster.ts';
import { createFakeIstioApi } from './fake-istio-api.ts';
import { service } from './router-contract.ts';

const signal = new AbortController().signal;
const target: TrafficTarget = {
  key: 'shop/web',
  owner: undefined,
  services: [service('web', [{ name: 'http', port: 80 }])],
};
const inShop = (kind: string, name: string, more: object = {}, owner?: string): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: {
    name,
    namespace: 'shop',
    uid: name,
    resourceVersion: '1',
    ...(owner === undefined
      ? {}
      : {
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'X', name: owner, uid: owner, controller: true }],
        }),
  },
  ...more,
});
const endpointsOf = (...pods: string[]): KubeObject => {
  const slice = inShop('EndpointSlice', 'web', {
    endpoints: pods.map((name) => ({ addresses: [], targetRef: { kind: 'Pod', name } })),
  });
  return { ...slice, metadata: { ...slice.metadata, labels: { 'kubernetes.io/service-name': 'web' } } };
};
const foreignRoute: KubeObject & { spec: object } = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'front', namespace: 'edge' },
  spec: {
    hosts: ['shop.example'],
    http: [{ route: [{ destination: { host: 'web.shop.svc.cluster.local' } }] }],
  },
};

const setUp = () => {
  const api = createFakeIstioApi();
  const log = { warn: () => undefined };
  const stores = createStores();
  stores.fill('deployments', inShop('Deployment', 'web'), inShop('Deployment', 'web-canary', {}, 'web'));
  stores.fill('replicaSets', inShop('ReplicaSet', 'web-1', {}, 'web'));
  stores.fill('replicaSets', inShop('ReplicaSet', 'web-canary-1', {}, 'web-canary'));
  stores.fill('pods', inShop('Pod', 'a', {}, 'web-1'), inShop('Pod', 'b', {}, 'web-canary-1'));
  stores.fill('endpointSlices', endpointsOf('a', 'b'));
  const istio = createIstioRouter({ stores: api.stores, writer: api.writer, reader: api.reader, log });
  const choose = createIstioOrReplicas({ istio, replicas: createPassiveRouter('replicas'), stores });
  const routerIn = (labels: StringMap, isSplit = false) => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } };
    return choose({ key: target.key, namespace, services: target.services, isSplit });
  };
  return { api, stores, routerIn };
};
const MESH = { 'istio-injection': 'enabled' };

describe('the router in a mesh', () => {
  it('is Istio where nothing is in the way', () => {
    const state = setUp().routerIn(MESH).read(target);
    expect(state.provider).toBe('istio');
    expect(state).not.toHaveProperty('limits');
  });

  it('shares by the number of pods where a route of another namespace leads past a split, and says so', async () => {
    const { api, routerIn } = setUp();
    api.put(foreignRoute);
    const router = routerIn(MESH);
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.writes).toEqual([]);
    expect(router.read(target)).toMatchObject({
      provider: 'replicas',
      split: true,
      share: { weight: 20 },
      limits: [
        {
          reason: 'ForeignRoute',
          message:
            'VirtualService edge/front routes past the split; the share follows from the number of pods',
        },
      ],
    });
  });

  it('shares so where a Service also selects the pods of another workload', () => {
    const { stores, routerIn } = setUp();
    stores.fill('pods', inShop('Pod', 'x', {}, 'legacy-1'));
    stores.fill('endpointSlices', {
      ...endpointsOf('a', 'x'),
      metadata: { ...endpointsOf().metadata, resourceVersion: '2' },
    });
    expect(routerIn(MESH).read(target)).toMatchObject({
      provider: 'replicas',
      limits: [{ reason: 'SharedService' }],
    });
  });

  it('stays Istio to the end of a split, and tells what has come in its way', async () => {
    const { api, routerIn } = setUp();
    await routerIn(MESH).setShare(target, { weight: 20 }, signal);
    api.put(foreignRoute);
    expect(routerIn(MESH, true).read(target)).toMatchObject({
      provider: 'istio',
      share: { weight: 20 },
      limits: [{ reason: 'ForeignRoute' }],
    });
  });

  it('tells of callers without a proxy in a namespace that has none', () => {
    const { routerIn } = setUp();
    expect(routerIn({}).read(target)).toMatchObject({
      provider: 'istio',
      limits: [{ reason: 'CallersOutsideMesh' }],
    });
    expect(routerIn({ 'istio.io/dataplane-mode': 'ambient' }).read(target)).not.toHaveProperty('limits');
  });
});
