import { afterAll, beforeAll } from 'vitest';
import { FIRST_START_MS } from '../../../lab/lab.ts';
import { plainGatewayRoute, startContourWorld } from '../contour-world.ts';
import { openShop } from '../loaded-shop.ts';
import type { ReleaseWorld } from '../release-world.ts';
import { type Column, type ColumnWorld, columnWorld } from '../traffic/column.ts';
import { describeTraffic } from '../traffic/matrix.ts';

let world: ReleaseWorld;
let shared: ColumnWorld;

beforeAll(async () => {
  world = await startContourWorld();
  shared = columnWorld(world.lab, world.kanari);
}, FIRST_START_MS);

afterAll(() => world?.lab.stop());

const contour: Column = {
  name: 'Gateway API on Contour',
  slug: 'edge',
  weighted: true,
  routes: ['/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes'],
  world: () => shared,
  open: (options) =>
    openShop(world, { ...options, mesh: false, routes: plainGatewayRoute(options.namespace) }),
};

describeTraffic([contour]);
