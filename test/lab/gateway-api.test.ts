import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installGatewayApi } from '../../lab/gateway-api.ts';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { EndpointSlice, JsonObject, KubeObject, Service } from '../../src/core/objects.ts';
import { lookOf, managersOf, type RouteObject } from './route-object.ts';
import { eventually, QUICK, type Shop, SLOW, startWorld, type World, web, webService } from './shop.ts';
import { type StandInGateway, startStandInGateway } from './stand-in-gateway.ts';

// Runs over HTTPRoutes and GRPCRoutes on a real API server; the Gateway's part is what it reports about routes.

let world: World;
beforeAll(async () => {
  world = await startWorld({ prepare: installGatewayApi });
}, FIRST_START_MS);
afterAll(() => world?.stop());

const backend = (name: string, weight?: number): JsonObject => ({
  name,
  port: 80,
  ...(weight === undefined ? {} : { weight }),
});

const routeOf = (kind: string, rules: JsonObject[]): RouteObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind,
  metadata: { name: 'web', labels: { team: 'shop' }, annotations: { note: 'ours' } },
  spec: { parentRefs: [{ name: 'edge' }], hostnames: ['shop.example'], rules },
});

const httpRoute = routeOf('HTTPRoute', [
  {
    matches: [{ path: { type: 'PathPrefix', value: '/a' } }],
    filters: [
      { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-a', value: 'b' }] } },
    ],
    backendRefs: [backend('web', 33), backend('db', 67)],
  },
  { backendRefs: [backend('web')] },
]);
const grpcRoute = routeOf('GRPCRoute', [{ backendRefs: [backend('web', 1)] }]);
const db: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'db' },
  spec: { ports: [{ port: 80 }] },
} as KubeObject;
const MANIFESTS = [webService, httpRoute, grpcRoute];
const PLACES = [
  ['services', 'web'],
  ['httproutes', 'web'],
  ['grpcroutes', 'web'],
] as const;

const storedIn = (shop: Shop): Promise<RouteObject[]> =>
  Promise.all(PLACES.map(([resource, name]) => shop.get<RouteObject>(resource, name)));

/** What users call theirs; Kanari owns no field of it. */
const looksIn = async (shop: Shop) => {
  const objects = await storedIn(shop);
  expect(objects.flatMap(managersOf)).not.toContain('kanari');
  return objects.map(lookOf);
};

const refsOf = ({ spec }: RouteObject): JsonObject[] =>
  (spec['rules'] as { backendRefs: JsonObject[] }[]).flatMap(({ backendRefs }) => backendRefs);
const weightsOf = (route: RouteObject): [unknown, unknown][] =>
  refsOf(route).map(({ name, weight }) => [name, weight]);

interface Opened {
  shop: Shop;
  gateway: StandInGateway;
}

const opened = async (
  namespace: string,
  annotations: Record<string, string>,
  others: KubeObject[] = [db, httpRoute, grpcRoute],
): Promise<Opened> => {
  const shop = await world.openShop(namespace, { annotations });
  const gateway = await startStandInGateway(world.lab.api, namespace);
  world.lab.onStop(async () => gateway.stop());
  await shop.opens();
  if (others.length > 0) await shop.apply(others);
  return { shop, gateway };
};

const says = (shop: Shop, words: string) =>
  eventually(async () => expect((await shop.canary()).status?.message).toContain(words));
const isGone = (shop: Shop, resource: string, name: string) =>
  eventually(() => expect(shop.get(resource, name)).rejects.toThrow('NotFound'));

/** Every pod that has been a ready endpoint of the user's Service since now. */
const podsBehindWeb = async (namespace: string): Promise<Set<string>> => {
  const ending = new AbortController();
  world.lab.onStop(async () => ending.abort());
  const seen = new Set<string>();
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const mirror = world.lab.api.mirror<EndpointSlice>(path, ending.signal);
  mirror.onChange(({ metadata, endpoints = [] }) => {
    if (metadata.labels?.['kubernetes.io/service-name'] !== 'web') return;
    for (const { conditions, targetRef } of endpoints)
      if (conditions?.ready !== false) seen.add(targetRef?.name ?? '');
  });
  await mirror.ready;
  return seen;
};

describe.concurrent('a release over the Gateway API', () => {
  it('splits an HTTPRoute and a GRPCRoute, keeps callers of the Service on the primary, and gives all back', async () => {
    const { shop } = await opened('whole', SLOW);
    const before = await looksIn(shop);
    const behind = await podsBehindWeb('whole');
    await shop.apply(web('v2'), '--server-side', '--force-conflicts');
    await shop.standsAt(50);
    const [service, http, grpc] = await storedIn(shop);
    expect(service?.spec['selector']).toEqual({ app: 'web', 'kanari.dev/version': 'primary' });
    expect(http && weightsOf(http)).toEqual([
      ['web', 1650],
      ['web-canary', 1650],
      ['db', 6700],
      ['web', 50],
      ['web-canary', 50],
    ]);
    expect(grpc && weightsOf(grpc)).toEqual([
      ['web', 50],
      ['web-canary', 50],
    ]);
    const canary = await shop.get<Service>('services', 'web-canary');
    expect(canary.spec).toMatchObject({
      type: 'ClusterIP',
      selector: { app: 'web', 'kanari.dev/version': 'canary' },
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
    });
    await shop.goesOn();
    await shop.reaches('Succeeded');
    expect(await looksIn(shop)).toEqual(before);
    await isGone(shop, 'services', 'web-canary');
    expect([...behind].filter((name) => name.startsWith('web-canary-'))).toEqual([]);
  });

  it.each([
    ['kubectl apply', [] as string[]],
    ['kubectl apply --server-side', ['--server-side']],
  ])('stays split and narrowed when %s brings the originals', async (name, flags) => {
    const { shop } = await opened(name.replaceAll(/[^a-z]+/g, '-'), SLOW, []);
    const manifests = [...MANIFESTS, db];
    await shop.apply(manifests, ...flags, ...(flags.length > 0 ? ['--force-conflicts'] : []));
    const before = await looksIn(shop);
    await shop.apply(web('v2'));
    await shop.standsAt(50);
    expect(await storedIn(shop).then(([, http]) => http && refsOf(http)[0])).toMatchObject({ weight: 1650 });
    const split = (await storedIn(shop)).map(lookOf);
    await shop.apply(manifests, ...flags);
    expect((await storedIn(shop)).map(lookOf)).toEqual(split);
    const diff = await shop.tryKubectl(['diff', ...flags, '-f', '-'], {
      apiVersion: 'v1',
      kind: 'List',
      items: manifests,
    } as never);
    expect(diff).toMatchObject({ code: 0, stdout: '' });
    await shop.apply(web('v1'));
    await shop.reaches('Initialized');
    await eventually(async () => expect(await looksIn(shop)).toEqual(before));
    await isGone(shop, 'services', 'web-canary');
  });
});

describe.concurrent('a Gateway', () => {
  it('that takes its time holds the run back before the canary has a pod, and back again at its end', async () => {
    const { shop, gateway } = await opened('slow', SLOW);
    const before = await looksIn(shop);
    gateway.pause();
    await shop.apply(web('v2'));
    await says(shop, 'Route web: Gateway edge has not taken over generation 2 yet');
    await expect(shop.deployment('web-canary')).rejects.toThrow('NotFound');
    await gateway.resume();
    await shop.standsAt(50);
    gateway.pause();
    await shop.apply(web('v1'));
    await says(shop, 'waiting:');
    expect((await shop.deployment('web-canary')).metadata.deletionTimestamp).toBeUndefined();
    await gateway.resume();
    await shop.reaches('Initialized');
    await eventually(async () => expect(await looksIn(shop)).toEqual(before));
  });

  it('that refuses the split has the run rolled back within the progress deadline, and nothing is left', async () => {
    // Time enough for the refusal to be known: the stand-in works along with the other tests.
    const { shop, gateway } = await opened('refused', { ...QUICK, 'kanari.dev/progress-deadline': '20s' });
    const before = await looksIn(shop);
    gateway.refuse('NotAllowedByListeners');
    await shop.apply(web('v2'));
    const { status } = await shop.reaches('Failed');
    expect(status).toMatchObject({ reason: 'RouteNotAccepted' });
    expect(status?.message).toContain('Gateway edge says that Accepted is False (NotAllowedByListeners)');
    expect(await looksIn(shop)).toEqual(before);
    await isGone(shop, 'services', 'web-canary');
    await expect(shop.deployment('web-canary')).rejects.toThrow('NotFound');
  });
});

describe.concurrent('what stands in the way', () => {
  it('is said: a name that is taken, and a rule without room', async () => {
    const taken = {
      ...webService,
      metadata: { name: 'web-canary' },
      spec: { ...webService.spec, selector: { app: 'x' } },
    };
    const full = routeOf('HTTPRoute', [
      { backendRefs: [backend('web')] },
      {
        matches: [{ path: { type: 'PathPrefix', value: '/full' } }],
        backendRefs: ['web', ...Array.from({ length: 15 }, () => 'db')].map((name) => backend(name)),
      },
    ]);
    const { shop } = await opened('taken', SLOW, [taken, db, full]);
    const foreign = lookOf(await shop.get<RouteObject>('services', 'web-canary'));
    await shop.apply(web('v2'));
    await shop.standsAt(50);
    const events = await eventually(async () => {
      const warnings = (await shop.events())
        .filter(({ type }) => type === 'Warning')
        .map(({ message }) => message);
      expect(warnings).toEqual(
        expect.arrayContaining([
          expect.stringContaining("the canary's Service is web-4b5e57f6-canary"),
          expect.stringContaining("HTTPRoute web, rule 1: no room for the canary's backendRefs"),
        ]),
      );
      return warnings;
    });
    expect(events.length).toBeGreaterThan(0);
    const names = refsOf(await shop.get<RouteObject>('httproutes', 'web')).map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['web', 'web-4b5e57f6-canary', 'web']);
    await shop.apply(web('v1'));
    await shop.reaches('Initialized');
    expect(lookOf(await shop.get<RouteObject>('services', 'web-canary'))).toEqual(foreign);
    await isGone(shop, 'services', 'web-4b5e57f6-canary');
  });

  it('is said: an explicit gateway-api without a route, until there is one', async () => {
    const { shop } = await opened('late', { ...SLOW, 'kanari.dev/traffic': 'gateway-api' }, []);
    await shop.apply(web('v2'));
    await says(shop, 'no HTTPRoute or GRPCRoute of the namespace refers to web');
    await shop.apply([db, httpRoute]);
    await shop.standsAt(50);
  });
});

it('a Deployment deleted mid-run leaves the routes and the Service as their user has them', async () => {
  const { shop } = await opened('deleted', SLOW);
  const before = await looksIn(shop);
  await shop.apply(web('v2'));
  await shop.standsAt(50);
  await shop.kubectl(['delete', 'deployment', 'web']);
  await eventually(async () => expect(await looksIn(shop)).toEqual(before));
  await isGone(shop, 'services', 'web-canary');
});
