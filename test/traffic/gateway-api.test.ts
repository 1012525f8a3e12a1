import { describe, expect, it } from 'vitest';
import type { GatewayRoute } from '../../src/core/gateway-api/route.ts';
import type { KubeObject, Service } from '../../src/core/objects.ts';
import { createGatewayRouter } from '../../src/traffic/gateway-api.ts';
import type { TrafficTarget } from '../../src/traffic/router.ts';
import { createFakeIstioApi, type FakeIstioApi } from './fake-istio-api.ts';
import { gatewayRoutes } from './gateway-routes.ts';
import { bare, gatewayRoute, ref, startGateway, statusOf, userService } from './gateway-world.ts';
import { observed } from './observed.ts';
import { describeRouterContract, type RouterWorld } from './router-contract.ts';

const signal = new AbortController().signal;
const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-1', controller: true };

const all = (api: FakeIstioApi): KubeObject[] => [
  ...api.stores.httpRoutes.list(),
  ...api.stores.grpcRoutes.list(),
  ...api.stores.services.list(),
];

const setUp = (services: Service[], others: KubeObject[], { slow = false, webhook = true } = {}) => {
  const api = createFakeIstioApi();
  api.webhook = webhook;
  startGateway(api, { slow });
  for (const object of [...services, ...others]) api.put(object);
  const log = { warn: () => undefined };
  const router = createGatewayRouter({ stores: api.stores, writer: api.writer, reader: api.reader, log });
  const target: TrafficTarget = { key: 'shop/web', owner, services };
  return { api, router, target };
};

const worldOf = (webhook: boolean, services: Service[], others: KubeObject[]) => (): RouterWorld => {
  const { api, router, target } = setUp(services, [...others, userService('db')], { webhook });
  return {
    router,
    target,
    routes: gatewayRoutes(api, {
      edited: withTimeouts(http),
      further: gatewayRoute('further', [{ backendRefs: [ref('web', 7), ref('db', 3)] }]),
    }),
    withService: (name) => {
      const late = userService(name);
      api.put(late);
      return { ...target, services: [...services, late] };
    },
    onWrite: (handler) => {
      api.before = handler;
    },
    ...observed(api, () => all(api), bare),
  };
};

const http = gatewayRoute('web', [
  { backendRefs: [ref('web', 33), ref('db', 67)] },
  { matches: [{ path: { type: 'PathPrefix', value: '/a' } }], backendRefs: [ref('web')] },
]);
/** The user's manifest, applied again with a time limit. */
const withTimeouts = (route: KubeObject): KubeObject => {
  const changed = structuredClone(route) as GatewayRoute;
  for (const rule of changed.spec.rules ?? []) rule['timeouts'] = { request: '3s' };
  return changed;
};
const grpc = gatewayRoute('web', [{ backendRefs: [ref('web', 1)] }], 'GRPCRoute');

for (const webhook of [true, false]) {
  const mode = webhook ? 'with the webhook' : 'by direct patches';
  describeRouterContract(
    `The Gateway API ${mode}, an HTTPRoute and a GRPCRoute`,
    worldOf(webhook, [userService('web')], [http, grpc]),
  );
  describeRouterContract(
    `The Gateway API ${mode}, two Services and a name that is taken`,
    worldOf(
      webhook,
      [userService('web'), userService('web-admin', { clusterIP: 'None' })],
      [http, gatewayRoute('admin', [{ backendRefs: [ref('web-admin')] }]), userService('web-canary')],
    ),
  );
}

const selectorOf = (api: FakeIstioApi, name: string) => (api.get('Service', name) as Service).spec?.selector;
const refsOf = (api: FakeIstioApi, name: string, kind = 'HTTPRoute') =>
  (api.get(kind, name) as GatewayRoute).spec.rules?.flatMap(({ backendRefs = [] }) => backendRefs);

describe("a run's objects", () => {
  it('are one annotation on each of the user’s and a Service of the canary, that first', async () => {
    const { api, router, target } = setUp([userService('web')], [http]);
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.writes).toEqual([
      'apply Service web-canary',
      'mergePatch Service web',
      'mergePatch HTTPRoute web',
    ]);
    expect(selectorOf(api, 'web')).toEqual({ app: 'web', 'kanari.dev/version': 'primary' });
    expect(selectorOf(api, 'web-canary')).toEqual({ app: 'web', 'kanari.dev/version': 'canary' });
    expect(refsOf(api, 'web')).toEqual([
      ref('web', 2640),
      ref('web-canary', 660),
      ref('db', 6700),
      ref('web', 80),
      ref('web-canary', 20),
    ]);
  });

  it('are unmade in the other order, the Service of the canary last', async () => {
    const { api, router, target } = setUp([userService('web')], [http]);
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 0 }, signal);
    api.writes.length = 0;
    await router.restore(target, signal);
    await router.removeDestinations(target, signal);
    expect(api.writes.filter((line) => !line.startsWith('jsonPatch'))).toEqual([
      'mergePatch HTTPRoute web',
      'mergePatch Service web',
      'delete Service web-canary',
    ]);
  });

  it.each([true, false])('leave no field of Kanari behind (webhook: %s)', async (webhook) => {
    const { api, router, target } = setUp([userService('web')], [http, grpc], { webhook });
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    await router.restore(target, signal);
    await router.removeDestinations(target, signal);
    for (const object of all(api)) expect(object.metadata.managedFields).toEqual([{ manager: 'kubectl' }]);
  });

  it('include a route that appears in the middle, and no longer one that leads elsewhere now', async () => {
    const { api, router, target } = setUp([userService('web'), userService('db')], [http]);
    target.services.pop();
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    api.put(gatewayRoute('late', [{ backendRefs: [ref('web', 100)] }]));
    expect(router.read(target)).toMatchObject({ split: false, share: undefined });
    await router.setShare(target, { weight: 20 }, signal);
    expect(router.read(target)).toMatchObject({ split: true, share: { weight: 20 } });
    expect(refsOf(api, 'late')).toEqual([ref('web', 80), ref('web-canary', 20)]);

    api.put(gatewayRoute('late', [{ backendRefs: [ref('db')] }]));
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.get('HTTPRoute', 'late')?.metadata.annotations).toBeUndefined();
    api.remove('HTTPRoute', 'web');
    expect(router.read(target)).toMatchObject({ split: false, obstacle: { reason: 'RouteNotFound' } });
  });

  it('stand again after somebody removed or changed them', async () => {
    const { api, router, target } = setUp([userService('web')], [http]);
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    api.remove('Service', 'web-canary');
    expect(router.read(target)).toMatchObject({ destinations: false });
    await router.ensureDestinations(target, signal);
    expect(router.read(target)).toMatchObject({ destinations: true, split: true });
  });

  it('do not touch routes of another namespace', async () => {
    const other = gatewayRoute('web', [{ backendRefs: [ref('web')] }]);
    const { api, router, target } = setUp([userService('web')], []);
    api.put({ ...other, metadata: { ...other.metadata, namespace: 'depot' } });
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.writes).toEqual([]);
  });
});

describe('a weight counts', () => {
  const split = async (says: Parameters<typeof statusOf>[1] | undefined, parents = [{ name: 'edge' }]) => {
    const route = gatewayRoute('web', [{ backendRefs: [ref('web')] }]) as GatewayRoute;
    route.spec['parentRefs'] = parents;
    const { api, router, target } = setUp([userService('web')], [route], { slow: true });
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    const stored = api.get('HTTPRoute', 'web');
    if (stored !== undefined && says !== undefined)
      api.put({ ...stored, status: statusOf(stored, says) } as never);
    return router.read(target);
  };
  const counted = { split: true, share: { weight: 20 } };
  const waiting = (message: string, seen: boolean) => ({
    split: false,
    share: { weight: 20 },
    outstanding: { message: expect.stringContaining(message), seen },
  });
  const cases: Record<string, { says: Parameters<typeof statusOf>[1]; expect: object }> = {
    'once its Gateway works by it': { says: {}, expect: counted },
    'not by what was said of an earlier form': {
      says: { generation: 1 },
      expect: waiting('HTTPRoute web: Gateway edge has not taken over generation 2 yet', false),
    },
    'not where it is refused': {
      says: { accepted: 'False' },
      expect: waiting('HTTPRoute web: Gateway edge says that Accepted is False', true),
    },
    'not where a backendRef is not understood': {
      says: { resolved: 'False' },
      expect: waiting('ResolvedRefs is False (BackendNotFound): no such Service', true),
    },
  };
  it.each(Object.entries(cases))('%s', async (_name, { says, expect: expected }) => {
    expect(await split(says)).toMatchObject(expected);
  });

  it('not where nobody speaks for the Gateway', async () => {
    expect(await split(undefined)).toMatchObject(waiting('no implementation speaks for Gateway edge', true));
  });

  it('not before the last of several Gateways works by it', async () => {
    const parents = [{ name: 'edge' }, { name: 'inner' }];
    expect(await split({}, parents)).toMatchObject(
      waiting('no implementation speaks for Gateway inner', true),
    );
    expect(await split({ generation: 1 }, parents)).toMatchObject(waiting('Gateway edge has not', false));
  });
});

describe('said, not silent', () => {
  const readOf = (services: Service[], others: KubeObject[]) => {
    const { router, target } = setUp(services, others);
    return router.read(target);
  };
  const many = (count: number) => Array.from({ length: count }, (_, index) => ref(`db-${index}`));
  const cases: Record<string, { services?: Service[]; others?: KubeObject[]; expect: string[] }> = {
    'is nothing where nothing is unusual': { others: [http, grpc], expect: [] },
    'is a rule without room for the canary': {
      others: [
        gatewayRoute('web', [{ backendRefs: [ref('web')] }, { backendRefs: [ref('web'), ...many(15)] }]),
      ],
      expect: [
        "HTTPRoute web, rule 1: no room for the canary's backendRefs; its requests stay with the primary",
      ],
    },
    'is not a rule whose reference has no weight, nor one to a namesake': {
      others: [
        gatewayRoute('web', [
          { backendRefs: [ref('web', 0), ref('db')] },
          { backendRefs: [{ ...ref('web'), namespace: 'depot' }] },
        ]),
      ],
      expect: [],
    },
    'is a weight that is too large to be multiplied': {
      others: [gatewayRoute('web', [{ backendRefs: [ref('web', 333_333), ref('db', 3)] }])],
      expect: ["HTTPRoute web, rule 0: weights above 10000 are not multiplied; the canary's is rounded down"],
    },
    'is a Service without a route beside one that has some': {
      services: [userService('web'), userService('web-internal')],
      others: [http],
      expect: ['no route refers to Service web-internal: its requests stay with the primary'],
    },
    'is a Service that selects by version itself': {
      services: [userService('web', { selector: { 'kanari.dev/version': 'primary' } })],
      expect: ['Service web selects kanari.dev/version itself: it is not narrowed'],
    },
    'is a name that somebody else has': {
      others: [userService('web-canary')],
      expect: ["web-canary means something else already: the canary's Service is web-4b5e57f6-canary"],
    },
    'is a name that a route refers to already': {
      others: [gatewayRoute('web', [{ backendRefs: [ref('web'), ref('web-canary')] }])],
      expect: ["web-canary means something else already: the canary's Service is web-4b5e57f6-canary"],
    },
  };
  it.each(Object.entries(cases))(
    '%s',
    (_name, { services = [userService('web')], others = [], expect: said }) => {
      expect(readOf(services, others).limits?.map(({ message }) => message)).toEqual(said);
    },
  );

  it('is a route that comes to refer to the canary’s Service', async () => {
    const { api, router, target } = setUp([userService('web')], [http]);
    await router.ensureDestinations(target, signal);
    api.put(gatewayRoute('late', [{ backendRefs: [ref('web'), ref('web-canary')] }]));
    expect(router.read(target).limits?.map(({ message }) => message)).toEqual([
      'HTTPRoute late refers to web-canary itself: it is left as it is, without a share',
    ]);
  });

  it('is a Service without a selector, which keeps the traffic from being split at all', () => {
    const { router, target } = setUp([userService('web', { selector: {} })], [http]);
    expect(router.read(target).obstacle).toMatchObject({ reason: 'ServiceWithoutSelector' });
  });
});
