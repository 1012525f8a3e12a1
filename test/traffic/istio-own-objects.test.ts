import { describe, expect, it } from 'vitest';
import { elsewhere, owner, routeTo, ruleFor, setUp, signal, target, twoPorts } from './istio-fixture.ts';
import { service } from './router-contract.ts';

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
