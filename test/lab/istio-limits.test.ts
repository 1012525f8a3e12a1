import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { VirtualService } from '../../src/core/istio/virtual-service.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import { eventually, QUICK, type Shop, SLOW, startWorld, type World, web } from './shop.ts';

// Where traffic can't be divided by subsets, or not all of it, and where routes come and go while it is.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

type Route = KubeObject & { spec: object };

const routeTo = (host: string, namespace?: string): Route => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web', ...(namespace === undefined ? {} : { namespace }) },
  spec: {
    hosts: [namespace === undefined ? host : 'shop.example'],
    http: [{ route: [{ destination: { host } }] }],
  },
});

const openMeshed = async (name: string, annotations: Record<string, string>): Promise<Shop> => {
  const shop = await world.openShop(name, { annotations });
  await shop.kubectl(['label', 'namespace', name, 'istio-injection=enabled']);
  // Kanari hears of the label a moment later.
  await eventually(async () => {
    const { stdout } = await shop.apply(web('v1'), '--dry-run=server', '-o', 'json');
    expect(stdout).toContain('sidecar.istio.io/inject');
  });
  return shop;
};
/** Reasons of the Warnings on the Deployment, but for those of the run's story. */
const warningsOf = async (shop: Shop): Promise<string[]> =>
  (await shop.events())
    .filter(({ type, involvedObject }) => type === 'Warning' && involvedObject.kind === 'Deployment')
    .map(({ reason }) => reason)
    .filter((reason) => reason !== 'Synced');
const routesIn = (shop: Shop): Promise<VirtualService[]> => shop.list<VirtualService>('virtualservices');

describe.concurrent('the share follows from the number of pods, and why is told,', () => {
  it('where a route of another namespace leads past a split', async () => {
    const shop = await openMeshed('bypassed', QUICK);
    await world.lab.kubectl(['create', 'namespace', 'edge']);
    await world.lab.kubectl(['apply', '-f', '-'], {
      stdin: JSON.stringify(routeTo('web.bypassed.svc.cluster.local', 'edge')),
    });
    await shop.apply(routeTo('web'));
    await shop.opens();
    const [before] = await routesIn(shop);
    await shop.apply(web('v2'));
    const { status } = await shop.reaches('Succeeded');
    expect(status?.run?.limits).toEqual([
      {
        reason: 'ForeignRoute',
        message: 'VirtualService edge/web routes past the split; the share follows from the number of pods',
      },
    ]);
    await eventually(async () => expect(await warningsOf(shop)).toEqual(['ForeignRoute']));
    expect(await routesIn(shop)).toEqual([before]);
    expect(await shop.list('destinationrules')).toEqual([]);
  });

  it('where the Service also selects the pods of another workload', async () => {
    const shop = await openMeshed('shared', QUICK);
    const legacy = web('v0', { replicas: 1, spec: { selector: { matchLabels: { tier: 'legacy' } } } });
    legacy.metadata = { name: 'legacy', labels: { 'kanari.dev/rollouts': 'disabled' } };
    legacy.spec.template.metadata = { labels: { app: 'web', tier: 'legacy' } };
    await shop.apply(legacy);
    await shop.opens();
    await shop.apply(web('v2'));
    const { status } = await shop.reaches('Succeeded');
    expect(status?.run?.limits).toMatchObject([{ reason: 'SharedService' }]);
    await eventually(async () => expect(await warningsOf(shop)).toEqual(['SharedService']));
    expect(await routesIn(shop)).toEqual([]);
    expect((await shop.deployment('legacy')).metadata.generation).toBe(1);
  });
});

describe.concurrent('a split that stands', () => {
  it("goes over to the user's route that appears, and goes with the run", async () => {
    const shop = await openMeshed('late', SLOW);
    await shop.opens();
    await shop.apply(web('v2'));
    await shop.standsAt(50);
    await eventually(async () =>
      expect((await routesIn(shop)).map(({ metadata }) => metadata.name)).toEqual(['web-kanari']),
    );
    await shop.apply(routeTo('web'));
    await eventually(async () =>
      expect(await routesIn(shop)).toMatchObject([
        { metadata: { name: 'web' }, spec: { http: [{ route: [{ weight: 50 }, { weight: 50 }] }] } },
      ]),
    );
    const split = await routesIn(shop);
    await shop.apply(routeTo('web'));
    expect(await routesIn(shop)).toEqual(split);
    await shop.kubectl(['annotate', 'canary', 'web', 'kanari.dev/command=abort']);
    await shop.reaches('Failed');
    const [route, ...others] = await routesIn(shop);
    expect(others).toEqual([]);
    expect(route?.spec).toEqual(routeTo('web').spec);
    expect(await shop.list('destinationrules')).toEqual([]);
  });

  it('is not given up for a rule that comes in its way, which is told', async () => {
    const shop = await openMeshed('overtaken', SLOW);
    await shop.opens();
    await shop.apply(web('v2'));
    await shop.standsAt(50);
    const rule = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'web', namespace: 'kube-public' },
      spec: { host: 'web.overtaken.svc.cluster.local' },
    };
    await world.lab.kubectl(['apply', '-f', '-'], { stdin: JSON.stringify(rule) });
    await eventually(async () => {
      expect((await shop.canary()).status?.run?.limits).toMatchObject([
        {
          reason: 'ForeignRoute',
          message: 'clients in kube-public obey DestinationRule kube-public/web alone',
        },
      ]);
    });
    expect((await shop.canary()).status?.canaryWeight).toBe(50);
    await shop.kubectl(['annotate', 'canary', 'web', 'kanari.dev/command=abort']);
    await shop.reaches('Failed');
    expect(await routesIn(shop)).toEqual([]);
  });
});
