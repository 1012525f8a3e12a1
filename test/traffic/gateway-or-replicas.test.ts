import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import { createGatewayRouter } from '../../src/traffic/gateway-api.ts';
import { createGatewayOrReplicas } from '../../src/traffic/gateway-or-replicas.ts';
import { createPassiveRouter } from '../../src/traffic/replica-ratio.ts';
import type { TrafficTarget } from '../../src/traffic/router.ts';
import { createStores } from '../scheduler/fake-cluster.ts';
import { createFakeIstioApi } from './fake-istio-api.ts';
import { userService } from './gateway-world.ts';

const target: TrafficTarget = { key: 'shop/web', owner: undefined, services: [userService('web')] };

const versioned = (kind: string, name: string, more: object): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'shop', uid: name, resourceVersion: '1' },
  ...more,
});

const virtualService = (name: string, host: string): KubeObject =>
  versioned('VirtualService', name, {
    spec: { hosts: ['shop.example'], http: [{ route: [{ destination: { host } }] }] },
  });

const setUp = (...virtualServices: KubeObject[]) => {
  const api = createFakeIstioApi();
  const stores = createStores();
  stores.fill('virtualServices', ...virtualServices);
  const gatewayApi = createGatewayRouter({ ...api, log: { warn: () => undefined } });
  const choose = createGatewayOrReplicas({ gatewayApi, replicas: createPassiveRouter('replicas'), stores });
  const read = (isSplit = false) => choose({ ...target, isSplit }).read(target);
  return { stores, read };
};

/** A ready pod of nobody's behind the Service. */
const shareWeb = (stores: ReturnType<typeof createStores>): void => {
  stores.fill('pods', versioned('Pod', 'stranger', {}));
  const slice = versioned('EndpointSlice', 'web', {
    endpoints: [{ addresses: [], targetRef: { kind: 'Pod', name: 'stranger' } }],
  });
  const labels = { 'kubernetes.io/service-name': 'web' };
  stores.fill('endpointSlices', { ...slice, metadata: { ...slice.metadata, labels } });
};

describe('the router where routes of the Gateway API refer to the Service', () => {
  it('is the Gateway API where nothing is in the way', () => {
    expect(setUp().read()).toMatchObject({ provider: 'gateway-api', limits: [] });
  });

  it('shares by the number of pods where a narrowed Service would drop another workload', () => {
    const { stores, read } = setUp();
    shareWeb(stores);
    expect(read()).toMatchObject({
      provider: 'replicas',
      limits: [
        {
          reason: 'SharedService',
          message: 'Service web also selects pod stranger; the share follows from the number of pods',
        },
      ],
    });
  });

  it('stays the Gateway API to the end of a split', () => {
    const { stores, read } = setUp();
    shareWeb(stores);
    expect(read(true).provider).toBe('gateway-api');
  });

  it('tells of routes of Istio’s that lead to the primary only', () => {
    const limits = setUp(virtualService('web', 'web'), virtualService('db', 'db')).read().limits;
    expect(limits).toEqual([
      {
        reason: 'UnsplitRoute',
        message:
          'VirtualService web is not split beside routes of the Gateway API: its requests stay with the primary',
      },
    ]);
  });
});
