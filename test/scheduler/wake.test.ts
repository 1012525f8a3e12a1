import { describe, expect, test } from 'vitest';
import type { KubeObject, ObjectKey } from '../../src/core/objects.ts';
import type { CanaryStatus } from '../../src/core/run.ts';
import { splitKeys, standingSplits, wakeOnChanges } from '../../src/scheduler/wake.ts';
import { deployment, namespace } from '../core/deployment-fixtures.ts';
import { canaryOf, createStores, type FilledStores } from './fake-cluster.ts';

const versioned = <T extends KubeObject>(object: T, resourceVersion = '5'): T => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion },
});

const pod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-1', namespace: 'shop', resourceVersion: '1' },
};

const route = (split: string): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: {
    name: 'web',
    namespace: 'shop',
    resourceVersion: '4',
    annotations: { 'kanari.dev/split': split },
  },
});

const idle = (): FilledStores => {
  const stores = createStores();
  stores.fill('namespaces', versioned(namespace()));
  stores.fill('deployments', versioned(deployment()));
  stores.fill('canaries', canaryOf());
  return stores;
};

const wokenBy = (stores: FilledStores, change: () => void): ObjectKey[] => {
  const keys: ObjectKey[] = [];
  wakeOnChanges(stores, (key) => keys.push(key));
  change();
  return keys;
};

describe('a change', () => {
  test('of a pod wakes no idle Deployment', () => {
    const stores = idle();
    expect(wokenBy(stores, () => stores.fill('pods', pod))).toEqual([]);
  });

  test('of a pod wakes a Deployment with a run under way', () => {
    const stores = idle();
    const status = { run: { id: 'r' } } as unknown as CanaryStatus;
    stores.fill('canaries', versioned(canaryOf(status), '9'));
    expect(wokenBy(stores, () => stores.fill('pods', pod))).toEqual(['shop/web']);
  });

  test('of a CanaryPolicy wakes a Deployment with a run under way, and no idle one', () => {
    const policy = { apiVersion: 'kanari.dev/v1alpha1', kind: 'CanaryPolicy', metadata: { ...pod.metadata } };
    const stores = idle();
    expect(wokenBy(stores, () => stores.fill('canaryPolicies', policy))).toEqual([]);
    const status = { run: { id: 'r' } } as unknown as CanaryStatus;
    stores.fill('canaries', versioned(canaryOf(status), '9'));
    expect(wokenBy(stores, () => stores.fill('canaryPolicies', versioned(policy)))).toEqual(['shop/web']);
  });

  test('of a canary Deployment wakes the Deployment it belongs to', () => {
    const stores = idle();
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u1', controller: true };
    const canary = deployment({
      metadata: { name: 'web-canary', namespace: 'shop', uid: 'u2', ownerReferences: [owner] },
    });
    expect(wokenBy(stores, () => stores.fill('deployments', versioned(canary)))).toEqual(['shop/web']);
  });

  test('of a Deployment that never opted in wakes nothing', () => {
    const stores = createStores();
    expect(wokenBy(stores, () => stores.fill('deployments', versioned(deployment())))).toEqual([]);
  });

  test('of a split route wakes the Deployments it names, also those that are gone', () => {
    const stores = createStores();
    expect(wokenBy(stores, () => stores.fill('virtualServices', route('{"gone":{}}')))).toEqual([
      'shop/gone',
    ]);
  });
});

describe('a split that stands', () => {
  test('is found for the Deployment it names, in its namespace', () => {
    const stores = createStores();
    stores.fill('virtualServices', route('{"web":{}}'));
    expect(splitKeys(stores)).toEqual(['shop/web']);
    const none = { istio: false, gatewayApi: false };
    expect(standingSplits(stores, 'shop/web')).toEqual({ ...none, istio: true });
    expect(standingSplits(stores, 'shop/api')).toEqual(none);
    expect(standingSplits(stores, 'b/web')).toEqual(none);
  });

  test.each(['httpRoutes', 'grpcRoutes', 'services'] as const)(
    'is found in %s, and wakes its Deployment',
    (kind) => {
      const stores = createStores();
      expect(wokenBy(stores, () => stores.fill(kind, route('{"web":{}}')))).toEqual(['shop/web']);
      expect(splitKeys(stores)).toEqual(['shop/web']);
      expect(standingSplits(stores, 'shop/web')).toEqual({ istio: false, gatewayApi: true });
    },
  );

  test('that a person has garbled names nobody', () => {
    const stores = createStores();
    stores.fill('virtualServices', route('{web'));
    expect(splitKeys(stores)).toEqual([]);
  });
});
