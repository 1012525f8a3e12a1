import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import { createIstioRouter } from '../../src/traffic/istio.ts';
import type { TrafficTarget } from '../../src/traffic/router.ts';
import { createFakeIstioApi, type FakeIstioApi } from './fake-istio-api.ts';
import { istioRoutes } from './istio-world.ts';
import { describeRouterContract, type RouterWorld, service } from './router-contract.ts';

const signal = new AbortController().signal;
const apiVersion = 'networking.istio.io/v1';
const routeTo = (name: string, host: string, extra: object = {}): KubeObject =>
  ({
    apiVersion,
    kind: 'VirtualService',
    metadata: { name, namespace: 'shop', managedFields: [{ manager: 'kubectl' }] },
    spec: { hosts: [host], http: [{ route: [{ destination: { host } }] }], ...extra },
  }) as KubeObject;
const ruleFor = (name: string, host: string, extra: object = {}): KubeObject =>
  ({
    apiVersion,
    kind: 'DestinationRule',
    metadata: { name, namespace: 'shop', managedFields: [{ manager: 'kubectl' }] },
    spec: { host, ...extra },
  }) as KubeObject;
const elsewhere = (namespace: string, object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
});
const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-1', controller: true };
const target: TrafficTarget = {
  key: 'shop/web',
  owner,
  services: [service('web', [{ name: 'http', port: 80 }])],
};
const twoPorts: TrafficTarget = {
  ...target,
  services: [
    service('web', [
      { name: 'http', port: 80 },
      { name: 'metrics-raw', port: 9000 },
    ]),
  ],
};

const setUp = (...users: KubeObject[]) => {
  const api = createFakeIstioApi();
  for (const object of users) api.put(object);
  const warnings: string[] = [];
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) };
  const router = createIstioRouter({ stores: api.stores, writer: api.writer, reader: api.reader, log });
  return { api, router, warnings };
};
const all = (api: FakeIstioApi): KubeObject[] => [
  ...api.stores.virtualServices.list(),
  ...api.stores.destinationRules.list(),
];
const isOwn = ({ metadata }: KubeObject): boolean =>
  metadata.labels?.['app.kubernetes.io/managed-by'] === 'kanari';
const bare = (object: KubeObject): unknown => {
  const metadata = { ...object.metadata };
  delete metadata.resourceVersion;
  delete metadata.uid;
  return { ...object, metadata };
};
/** The user's manifest, applied again with a time limit. */
const edited = (route: KubeObject): KubeObject => {
  const changed = structuredClone(route) as KubeObject & { spec: { http: object[] } };
  changed.spec.http = changed.spec.http.map((rule) => ({ ...rule, timeout: '3s' }));
  return changed;
};
const worldOf =
  (webhook: boolean, services: TrafficTarget['services'], users: KubeObject[]) => (): RouterWorld => {
    const { api, router } = setUp(...users);
    api.webhook = webhook;
    const own = { ...target, services };
    const web = users.find(({ kind }) => kind === 'VirtualService');
    return {
      router,
      target: own,
      routes: istioRoutes(api, { edited: web && edited(web), further: routeTo('further', 'web') }),
      withService: (name) => ({ ...own, services: [...services, service(name)] }),
      onWrite: (handler) => {
        api.before = handler;
      },
      writes: () => api.writes.length,
      users: () =>
        all(api)
          .filter((object) => !isOwn(object))
          .map(bare),
      own: () => all(api).filter(isOwn),
    };
  };

const [web] = target.services;
const explicit = routeTo('web', 'web.shop', {
  http: [
    {
      route: [
        { destination: { host: 'web.shop' }, weight: 33 },
        { destination: { host: 'db' }, weight: 67 },
      ],
    },
  ],
  tcp: [{ route: [{ destination: { host: 'web' }, weight: 100 }] }],
});
for (const webhook of [true, false]) {
  const mode = webhook ? 'with the webhook' : 'by direct patches';
  describeRouterContract(
    `Istio ${mode} and the user's objects`,
    worldOf(webhook, [web!], [explicit, ruleFor('web', 'web')]),
  );
  describeRouterContract(`Istio ${mode} and nothing there`, worldOf(webhook, [web!], []));
  describeRouterContract(
    `Istio ${mode}, two Services and several routes`,
    worldOf(
      webhook,
      [web!, service('web-admin')],
      [explicit, routeTo('more', 'web'), routeTo('other', 'db'), ruleFor('a', 'web-admin')],
    ),
  );
}

describe("the user's objects", () => {
  it('are patched by one annotation each when the webhook acts', async () => {
    const { api, router } = setUp(routeTo('web', 'web'), ruleFor('web', 'web'));
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.writes).toEqual(['mergePatch DestinationRule web', 'mergePatch VirtualService web']);
  });

  it.each([true, false])('have no field of Kanari left after a run (webhook: %s)', async (webhook) => {
    const { api, router } = setUp(routeTo('web', 'web'), ruleFor('web', 'web'));
    api.webhook = webhook;
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    await router.restore(target, signal);
    await router.removeDestinations(target, signal);
    for (const object of all(api)) expect(object.metadata.managedFields).toEqual([{ manager: 'kubectl' }]);
  });

  it('are written directly, with a warning, when no webhook acts', async () => {
    const { api, router, warnings } = setUp(routeTo('web', 'web'));
    api.webhook = false;
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.writes).toEqual([
      'mergePatch VirtualService web',
      'jsonPatch VirtualService web',
      'jsonPatch VirtualService web',
    ]);
    expect(warnings).toHaveLength(1);
    expect(router.read(target)).toMatchObject({ split: true, share: { weight: 20 } });
  });

  it("keep a user's edit that comes between", async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    let edits = 0;
    api.before = () => {
      if (edits++ < 2)
        api.put(
          routeTo('web', 'web', {
            http: [{ timeout: `${edits}s`, route: [{ destination: { host: 'web' } }] }],
          }),
        );
    };
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.get('VirtualService', 'web')).toMatchObject({ spec: { http: [{ timeout: '2s' }] } });
    expect(router.read(target)).toMatchObject({ split: true, share: { weight: 20 } });
  });

  it('give up when somebody is faster every time', async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    api.before = () => api.put(routeTo('web', 'web'));
    await expect(router.setShare(target, { weight: 20 }, signal)).rejects.toMatchObject({ status: 409 });
  });

  it('may go in the middle', async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    api.before = () => api.remove('VirtualService', 'web');
    await router.setShare(target, { weight: 20 }, signal);
    expect(router.read(target).split).toBe(false);
  });

  it('are restored although a kill came between annotation and spec', async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    await router.setShare(target, { weight: 20 }, signal);
    api.webhook = false;
    await api.writer.mergePatch(
      { kind: 'VirtualService', name: 'web' },
      { metadata: { annotations: { 'kanari.dev/split': null } } },
      { signal },
    );
    expect(router.read(target).routesRestored).toBe(false);
    await router.restore(target, signal);
    expect(api.get('VirtualService', 'web')).toMatchObject({
      spec: { http: [{ route: [{ destination: { host: 'web' } }] }] },
    });
    expect(router.read(target).routesRestored).toBe(true);
  });

  it('are unsplit for the state as soon as somebody rewrites one without the webhook', async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    await router.setShare(target, { weight: 20 }, signal);
    api.webhook = false;
    api.put(routeTo('web', 'web'));
    expect(router.read(target)).toMatchObject({ split: false, share: undefined });
  });

  it('of a shape nobody can read disturb no other', async () => {
    const { router } = setUp(routeTo('web', 'web'), {
      ...routeTo('odd', 'web'),
      spec: undefined,
    } as KubeObject);
    await router.setShare(target, { weight: 20 }, signal);
    expect(router.read(target)).toMatchObject({ split: true, share: { weight: 20 } });
  });

  it('count as split only when all of them are, at one weight', async () => {
    const { api, router } = setUp(routeTo('web', 'web'), routeTo('more', 'web'));
    await router.setShare(target, { weight: 20 }, signal);
    const behind = api.get('VirtualService', 'more')!;
    await router.setShare(target, { weight: 50 }, signal);
    api.webhook = false;
    api.put(behind);
    expect(router.read(target)).toMatchObject({ split: false, share: undefined });
    await router.setShare(target, { weight: 50 }, signal);
    expect(router.read(target)).toMatchObject({ split: true, share: { weight: 50 } });
  });

  it("carry two Deployments' splits beside each other", async () => {
    const shared = routeTo('both', 'web', {
      http: [
        {
          route: [
            { destination: { host: 'web' }, weight: 50 },
            { destination: { host: 'api' }, weight: 50 },
          ],
        },
      ],
    });
    const { api, router } = setUp(shared, routeTo('api', 'api'));
    const other: TrafficTarget = { key: 'shop/api', owner, services: [service('api')] };
    await router.setShare(target, { weight: 20 }, signal);
    await router.setShare(other, { weight: 50 }, signal);
    expect([router.read(target).share?.weight, router.read(other).share?.weight]).toEqual([20, 50]);
    await router.restore(target, signal);
    expect(router.read(other)).toMatchObject({ split: true, share: { weight: 50 } });
    await router.restore(other, signal);
    expect(api.get('VirtualService', 'both')).toMatchObject({
      spec: (shared as unknown as { spec: object }).spec,
    });
  });

  it("are split within the user's subsets that the held template carries", async () => {
    const subsets = [
      { name: 'v1', labels: { app: 'web' } },
      { name: 'v2', labels: { track: 'x' } },
    ];
    const route = [
      { destination: { host: 'web', subset: 'v1' }, weight: 50 },
      { destination: { host: 'web', subset: 'v2' }, weight: 50 },
    ];
    const { api, router } = setUp(
      routeTo('web', 'web', { http: [{ route }] }),
      ruleFor('web', 'web', { subsets }),
    );
    expect(router.read(target).split).toBe(false);
    const known = { ...target, podLabels: { app: 'web' } };
    await router.ensureDestinations(known, signal);
    await router.setShare(known, { weight: 20 }, signal);
    expect(router.read(known)).toMatchObject({ destinations: true, split: true, share: { weight: 20 } });
    expect(api.get('VirtualService', 'web')).toMatchObject({
      spec: {
        http: [{ route: [{ weight: 40 }, { weight: 10 }, { destination: { subset: 'v2' }, weight: 50 }] }],
      },
    });
    expect(router.read(target).split).toBe(false);
  });
});

describe("a user's subset, while nobody knows the held template's labels,", () => {
  it('is left alone, and the route does not count as split', async () => {
    const route = [
      { destination: { host: 'web', subset: 'v1' }, weight: 50 },
      { destination: { host: 'web' }, weight: 50 },
    ];
    const { api, router } = setUp(routeTo('web', 'web', { http: [{ route }] }));
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.get('VirtualService', 'web')).toMatchObject({
      spec: { http: [{ route: [route[0], { weight: 40 }, { weight: 10 }] }] },
    });
    expect(router.read(target).split).toBe(false);
  });
});

describe("Kanari's own objects", () => {
  it('cover mesh traffic where the user has no route, and go with the Deployment', async () => {
    const { api, router } = setUp();
    await router.ensureDestinations(twoPorts, signal);
    await router.setShare(twoPorts, { weight: 20 }, signal);
    const host = 'web.shop.svc.cluster.local';
    const halves = (more: object = {}) => [
      { destination: { host, subset: 'kanari-primary', ...more }, weight: 80 },
      { destination: { host, subset: 'kanari-canary', ...more }, weight: 20 },
    ];
    expect(api.get('VirtualService', 'web-kanari')).toMatchObject({
      metadata: { ownerReferences: [owner] },
      spec: {
        hosts: [host],
        gateways: ['mesh'],
        http: [{ route: halves() }],
        tcp: [{ match: [{ port: 9000 }], route: halves({ port: { number: 9000 } }) }],
      },
    });
    expect(api.get('DestinationRule', 'web-kanari')).toMatchObject({
      metadata: { ownerReferences: [owner] },
      spec: { host },
    });
  });

  it("keep the policy of the user's wildcard rule that they take the place of", async () => {
    const policy = { trafficPolicy: { tls: { mode: 'DISABLE' } }, exportTo: ['.'] };
    const longer = ruleFor('shop', '*.shop.svc.cluster.local', policy);
    const { api, router } = setUp(
      ruleFor('all', '*.cluster.local'),
      longer,
      ruleFor('db', '*.db.svc.cluster.local'),
    );
    await router.ensureDestinations(target, signal);
    expect(api.get('DestinationRule', 'web-kanari')).toMatchObject({ spec: policy });
    expect(api.writes).toEqual(['apply DestinationRule web-kanari']);
    expect(router.read(target).destinations).toBe(true);
  });

  it("route the ports that the user's HTTP routes leave uncovered, and nothing else", async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    await router.setShare(twoPorts, { weight: 20 }, signal);
    expect(api.get('VirtualService', 'web-kanari')).toMatchObject({
      spec: { tcp: [{ match: [{ port: 9000 }], route: [{ weight: 80 }, { weight: 20 }] }] },
    });
    expect(api.get('VirtualService', 'web-kanari')).not.toHaveProperty('spec.http');
    expect(router.read(twoPorts)).toMatchObject({ split: true, share: { weight: 20 } });
  });

  it("give way to the user's rule that appears, which is lent subsets first", async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    await router.ensureDestinations(target, signal);
    api.put(ruleFor('web', 'web'));
    api.writes.length = 0;
    await router.ensureDestinations(target, signal);
    expect(api.writes).toEqual(['mergePatch DestinationRule web', 'delete DestinationRule web-kanari']);
    expect(router.read(target).destinations).toBe(true);
  });

  it.each([{ exportTo: ['.'] }, { workloadSelector: { matchLabels: { app: 'front' } } }])(
    'stay beside a rule that appears for fewer clients: %j',
    async (fewer) => {
      const { api, router } = setUp(routeTo('web', 'web'));
      await router.ensureDestinations(target, signal);
      api.put(ruleFor('web', 'web', fewer));
      api.writes.length = 0;
      await router.ensureDestinations(target, signal);
      expect(api.writes).toEqual(['mergePatch DestinationRule web']);
      expect(router.read(target).destinations).toBe(true);
      await router.removeDestinations(target, signal);
      expect(api.get('DestinationRule', 'web-kanari')).toBeUndefined();
      expect(api.get('DestinationRule', 'web')).toMatchObject({ spec: { host: 'web', ...fewer } });
    },
  );

  it('stand beside a rule and a route that Istio takes to be for another host', async () => {
    const { api, router } = setUp(routeTo('web', 'web.shop'), ruleFor('web', 'web.shop'));
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.writes).toEqual([
      'mergePatch DestinationRule web',
      'apply DestinationRule web-kanari',
      'mergePatch VirtualService web',
      'apply VirtualService web-kanari',
    ]);
    expect(router.read(target)).toMatchObject({ destinations: true, split: true });
  });

  it('keep policy and subsets of a rule of the root namespace that they take the place of', async () => {
    const host = 'web.shop.svc.cluster.local';
    const subsets = [{ name: 'v1', labels: { app: 'web' } }];
    const rule = ruleFor('mesh-wide', host, { trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } }, subsets });
    const { api, router } = setUp(elsewhere('istio-system', rule));
    await router.ensureDestinations({ ...target, podLabels: { app: 'web' } }, signal);
    expect(api.get('DestinationRule', 'web-kanari')).toMatchObject({
      spec: {
        host,
        trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } },
        subsets: [
          subsets[0],
          { name: 'kanari-primary' },
          { name: 'kanari-canary' },
          { name: 'kanari-primary-v1' },
          { name: 'kanari-canary-v1' },
        ],
      },
    });
    expect(api.writes).toEqual(['apply DestinationRule web-kanari']);
  });

  it('are seen by those who see the subsets only', async () => {
    const { api, router } = setUp(ruleFor('web', 'web', { exportTo: ['.', 'front'] }));
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.get('VirtualService', 'web-kanari')).toMatchObject({ spec: { exportTo: ['.', 'front'] } });
  });

  it('route as the wildcard of another namespace does, names in full, in whose place they come', async () => {
    const wildcard = routeTo('all', 'sink', {
      hosts: ['*.svc.cluster.local'],
      http: [
        { match: [{ port: 81 }], delegate: { name: 'more' } },
        { route: [{ destination: { host: 'sink' } }], mirror: { host: 'copy.ops.svc.cluster.local' } },
      ],
    });
    const { api, router } = setUp(elsewhere('ops', wildcard));
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.get('VirtualService', 'web-kanari')).toMatchObject({
      spec: {
        http: [
          { match: [{ port: 81 }], delegate: { name: 'more', namespace: 'ops' } },
          {
            route: [{ destination: { host: 'sink.ops.svc.cluster.local' } }],
            mirror: { host: 'copy.ops.svc.cluster.local' },
          },
        ],
      },
    });
    expect(router.read(target)).toMatchObject({ split: true, share: { weight: 20 } });
  });

  it('have no tcp route for a port that is UDP, or declared HTTP or TLS', async () => {
    const ports = [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'https-web', port: 443 },
      { name: 'grpc-api', port: 81 },
      { port: 82, appProtocol: 'kubernetes.io/h2c' },
      { name: 'http', port: 83, appProtocol: 'tcp' },
      { port: 84 },
    ];
    const { api, router } = setUp();
    await router.setShare({ ...target, services: [service('web', ports)] }, { weight: 20 }, signal);
    const tcp = (api.get('VirtualService', 'web-kanari') as unknown as { spec: { tcp: object[] } }).spec.tcp;
    expect(tcp).toMatchObject([{ match: [{ port: 83 }] }, { match: [{ port: 84 }] }]);
  });

  it("stand beside a user's route that is for a gateway only", async () => {
    const { api, router } = setUp(routeTo('edge', 'web', { gateways: ['istio-system/edge'] }));
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.writes).toEqual(['mergePatch VirtualService edge', 'apply VirtualService web-kanari']);
    expect(router.read(target)).toMatchObject({ split: true, share: { weight: 20 } });
  });

  it("go when the user's own route appears, which is split first", async () => {
    const { api, router } = setUp();
    await router.setShare(target, { weight: 20 }, signal);
    api.put(routeTo('web', 'web'));
    expect(router.read(target).split).toBe(false);
    api.writes.length = 0;
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.writes).toEqual(['mergePatch VirtualService web', 'delete VirtualService web-kanari']);
  });

  it('take another name when a foreign object has theirs', async () => {
    const { api, router } = setUp(routeTo('web-kanari', 'db'));
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.writes).toEqual(['apply VirtualService web-kanari-2']);
  });

  it('come and go with a Service that appears late', async () => {
    const { api, router } = setUp(routeTo('web', 'web'));
    await router.setShare(target, { weight: 20 }, signal);
    const more = { ...target, services: [...target.services, service('late')] };
    expect(router.read(more).split).toBe(false);
    await router.setShare(more, { weight: 20 }, signal);
    expect(router.read(more)).toMatchObject({
      split: true,
      share: { weight: 20 },
      services: ['late', 'web'],
    });
    await router.setShare(target, { weight: 20 }, signal);
    expect(api.get('VirtualService', 'late-kanari')).toBeUndefined();
  });
});

describe('a Deployment without Services', () => {
  const worker: TrafficTarget = { ...target, services: [] };

  it('has nothing to split', async () => {
    const { api, router } = setUp();
    await router.ensureDestinations(worker, signal);
    await router.setShare(worker, { weight: 20 }, signal);
    expect(api.writes).toEqual([]);
    expect(router.read(worker)).toMatchObject({ provider: 'none', destinations: true, split: true });
  });

  it('still has to give its routes back when the Service went mid-run', async () => {
    const { router } = setUp(routeTo('web', 'web'));
    await router.setShare(target, { weight: 20 }, signal);
    expect(router.read(worker)).toMatchObject({ provider: 'istio', routesRestored: false });
    await router.restore(worker, signal);
    expect(router.read(worker)).toMatchObject({ provider: 'none', routesRestored: true });
  });
});
