import { describe, expect, it } from 'vitest';
import { createRouters } from '../../src/compose/routers.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import type { Settings } from '../../src/core/release-settings.ts';
import { parseSettings } from '../../src/core/settings.ts';
import { namespace } from '../core/deployment-fixtures.ts';
import { createFakeApi, createStores, quietLog } from '../scheduler/fake-cluster.ts';
import { gatewayRoute, ref, userService } from '../traffic/gateway-world.ts';

const stored = (object: KubeObject, split?: string): KubeObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    resourceVersion: '1',
    ...(split === undefined ? {} : { annotations: { 'kanari.dev/split': split } }),
  },
});
const SPLIT = '{"web":{"services":["web"],"weight":20}}';
const rule: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { host: 'web' },
} as KubeObject;
const route = gatewayRoute('web', [{ backendRefs: [ref('web')] }]);

type Filled = [Parameters<ReturnType<typeof createStores>['fill']>[0], KubeObject][];

/** The provider that steers the Deployment `web`. */
const providerIn = (
  filled: Filled,
  traffic: Settings['traffic'] = 'auto',
  services = [userService('web')],
) => {
  const stores = createStores();
  for (const [kind, object] of filled) stores.fill(kind, object);
  const { settings } = parseSettings({ deployment: { 'kanari.dev/traffic': traffic }, namespace: {} });
  const target = { key: 'shop/web' as const, owner: undefined, services };
  const routerFor = createRouters({ ...createFakeApi(), log: quietLog as never, stores });
  return routerFor({ ...target, settings, namespace: namespace() }).read(target).provider;
};

describe('the traffic of a Deployment', () => {
  it.each<[string, Filled, string]>([
    ['the number of pods without any routes', [], 'replicas'],
    ['a route of the Gateway API', [['httpRoutes', stored(route)]], 'gateway-api'],
    ['Istio where it has a rule', [['destinationRules', stored(rule)]], 'istio'],
    [
      'the Gateway API where both have something to say',
      [
        ['grpcRoutes', stored({ ...route, kind: 'GRPCRoute' })],
        ['destinationRules', stored(rule)],
      ],
      'gateway-api',
    ],
  ])('is steered by %s', (_words, filled, expected) => {
    expect(providerIn(filled)).toBe(expected);
  });

  it.each<[string, Filled, string]>([
    ['a route', [['httpRoutes', stored(route, SPLIT)]], 'gateway-api'],
    ['a narrowed Service', [['services', stored(userService('web'), SPLIT)]], 'gateway-api'],
    ['a rule of Istio’s', [['destinationRules', stored(rule, SPLIT)]], 'istio'],
  ])('is to the end steered by whoever has split %s, whatever the setting', (_words, filled, expected) => {
    expect(providerIn(filled, 'replicas')).toBe(expected);
  });

  it('whose Service is gone still has its routes given back', () => {
    expect(providerIn([['httpRoutes', stored(route, SPLIT)]], 'auto', [])).toBe('gateway-api');
  });
});
