import { afterAll, beforeAll } from 'vitest';
import { FIRST_START_MS } from '../../../lab/lab.ts';
import { openShop, PLAIN_ROUTE } from '../loaded-shop.ts';
import { type ReleaseWorld, startReleaseWorld } from '../release-world.ts';
import { type Column, type ColumnWorld, columnWorld } from './column.ts';
import { describeTraffic } from './matrix.ts';

let world: ReleaseWorld;
let shared: ColumnWorld;

// Clients of two namespaces, whose proxies learn at different times, routes later than endpoints, all of it within the
// propagation wait: what is written in the wrong order, or too early, fails requests. No second try hides one.
const PROXIES = [
  { namespace: 'clients', lag: { endpointLagMs: 100, routeLagMs: 300 } },
  { namespace: 'others', lag: { endpointLagMs: 400, routeLagMs: 1_000 } },
];

beforeAll(async () => {
  world = await startReleaseWorld({ proxies: PROXIES, retries: false });
  shared = columnWorld(world.lab, world.kanari);
}, FIRST_START_MS);

afterAll(() => world?.lab.stop());

const ISTIO = '/apis/networking.istio.io/v1/namespaces/{namespace}';
const mesh = {
  routes: [`${ISTIO}/virtualservices`, `${ISTIO}/destinationrules`],
  world: () => shared,
};

const columns: Column[] = [
  {
    ...mesh,
    name: "Istio, the user's VirtualService",
    slug: 'own',
    weighted: true,
    open: (options) => openShop(world, { ...options, routes: PLAIN_ROUTE }),
  },
  {
    ...mesh,
    name: 'Istio, no route',
    slug: 'none',
    weighted: true,
    open: (options) => openShop(world, options),
  },
  {
    ...mesh,
    name: 'replicas',
    slug: 'pods',
    weighted: false,
    open: (options) => openShop(world, { ...options, mesh: false }),
  },
];

describeTraffic(columns);
