import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import { lookOf, managersOf, type RouteObject } from './route-object.ts';
import { eventually, type Shop, SLOW, startWorld, type World, web } from './shop.ts';

// The route webhook is a convenience for the user's ownership of fields. A canary is withdrawn without it too.

const ROUTE: RouteObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web', labels: { team: 'shop' }, annotations: { 'example.com/owner': 'jo' } },
  spec: {
    hosts: ['web'],
    http: [
      {
        match: [{ uri: { prefix: '/a' } }],
        route: [
          { destination: { host: 'web' }, weight: 33 },
          { destination: { host: 'db' }, weight: 67 },
        ],
      },
      { route: [{ destination: { host: 'web' } }] },
    ],
  },
};
const RULE: RouteObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'web' },
  spec: { host: 'web', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } },
};
const CONFIGURATION = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/zz-kanari';

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const routesOf = (shop: Shop): Promise<RouteObject[]> =>
  Promise.all([
    shop.get<RouteObject>('virtualservices', 'web'),
    shop.get<RouteObject>('destinationrules', 'web'),
  ]);

/** A server-side apply of the originals, which a conflict fails. */
const applyOriginals = (shop: Shop) => shop.apply([ROUTE, RULE], '--server-side');

/** The shares of the canary in a version of the VirtualService, one for each route. */
const canaryWeightsIn = ({ spec }: RouteObject): (number | undefined)[] => {
  const routes = spec['http'] as { route: { destination: { subset?: string }; weight?: number }[] }[];
  return routes.map(
    ({ route }) => route.find(({ destination }) => destination.subset === 'kanari-canary')?.weight,
  );
};

/** Resolves once the API server has stopped asking about routes: a copied annotation then stays on its object. */
const cutOff = async (shop: Shop): Promise<void> => {
  const { webhooks } = await world.lab.api.request<KubeObject & { webhooks: { name: string }[] }>(
    'GET',
    CONFIGURATION,
  );
  const index = webhooks.findIndex(({ name }) => name === 'routes.kanari.dev');
  const nowhere = { matchLabels: { 'kubernetes.io/metadata.name': 'nowhere' } };
  const operations = [{ op: 'replace', path: `/webhooks/${index}/namespaceSelector`, value: nowhere }];
  await world.lab.api.request('PATCH', CONFIGURATION, operations, 'application/json-patch+json');
  const annotations = { 'kanari.dev/split': '{}' };
  const probe = { ...RULE, metadata: { name: 'probe', annotations }, spec: { host: 'probe' } };
  await eventually(async () => {
    const { stdout } = await shop.apply(probe, '--dry-run=server', '-o', 'json');
    expect(stdout).toContain('kanari.dev/split"');
    expect((JSON.parse(stdout) as RouteObject).metadata.annotations).toMatchObject(annotations);
  });
};

describe('a run that loses the route webhook while the canary has traffic', () => {
  it('is withdrawn all the same: weight 0 in every route, then the routes as their user has them', async () => {
    const shop = await world.openShop('cut-off', { annotations: { ...SLOW, 'kanari.dev/latency': 'off' } });
    await applyOriginals(shop);
    const before = await routesOf(shop);
    await shop.opens();
    await shop.apply(web('v2'));
    await shop.standsAt(50);
    const [split] = await routesOf(shop);
    expect(canaryWeightsIn(split ?? ROUTE)).toEqual([1650, 50]);

    await cutOff(shop);
    const watching = new AbortController();
    const seen: RouteObject[] = [];
    const path = '/apis/networking.istio.io/v1/namespaces/cut-off/virtualservices';
    const mirror = world.lab.api.mirror<RouteObject>(path, watching.signal);
    mirror.onChange((route) => seen.push(route));
    await mirror.ready;
    await shop.kubectl(['annotate', 'canary', 'web', 'kanari.dev/command=abort']);
    await shop.reaches('Failed');
    await eventually(async () => expect((await routesOf(shop)).map(lookOf)).toEqual(before.map(lookOf)));
    await eventually(() => {
      const shares = seen.map((route) => JSON.stringify(canaryWeightsIn(route)));
      const stages = shares.filter((share, index) => share !== shares[index - 1]);
      expect(stages).toEqual(['[1650,50]', '[0,0]', '[null,null]']);
    });
    watching.abort();
    expect(await readFile(world.kanari.logFile, 'utf8')).toContain('the route webhook did not act');
    await eventually(async () =>
      expect((await routesOf(shop)).map(managersOf)).toEqual([['kubectl'], ['kubectl']]),
    );
    await applyOriginals(shop);
    expect((await routesOf(shop)).map(lookOf)).toEqual(before.map(lookOf));
  });
});
