import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LabApiError } from '../../lab/api.ts';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { SPLIT_ANNOTATION } from '../../src/core/marks.ts';
import { annotationsOf } from '../../src/core/objects.ts';
import type { Canary } from '../../src/core/snapshot.ts';
import { lookOf, managersOf, type RouteObject } from './route-object.ts';
import { eventually, type Shop, SLOW, startWorld, type World, web } from './shop.ts';

// Others write the routes of a run: GitOps tools, whose writes come out split, and clients that undo the split.

let world: World;

beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);

afterAll(() => world?.stop());

const ROUTE: RouteObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web', labels: { team: 'shop' }, annotations: { 'example.com/owner': 'jo' } },
  spec: { hosts: ['web'], http: [{ route: [{ destination: { host: 'web' } }] }] },
};
const STEPS = { ...SLOW, 'kanari.dev/steps': '20,50' };

const open = async (namespace: string): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations: STEPS });
  await shop.apply(ROUTE, '--server-side', '--field-manager=argocd-controller');
  await shop.opens();
  return shop;
};

interface Repetition {
  /** Resolves once it has been done so often more. Rejects with what it has failed by. */
  times(count: number): Promise<void>;
  leaveOff(): Promise<void>;
}

/** Does something over and over until told to leave off. */
const repeatedly = (act: () => Promise<void>, everyMs: number): Repetition => {
  let going = true;
  let done = 0;
  const loop = (async () => {
    for (; going; done += 1) {
      await act();
      await sleep(everyMs);
    }
  })();
  // Told to whoever asks next.
  loop.catch(() => undefined);
  return {
    times: async (count) => {
      for (const enough = done + count; done < enough; ) await Promise.race([sleep(50), loop]);
    },
    leaveOff: async () => {
      going = false;
      await loop;
    },
  };
};

const routeOf = (shop: Shop): Promise<RouteObject> => shop.get<RouteObject>('virtualservices', 'web');
const told = async (shop: Shop): Promise<string[]> =>
  (await shop.events()).map(({ message }) => message).filter((message) => message.includes('does not stand'));
const statusOf = async (shop: Shop): Promise<Canary['status']> => (await shop.canary()).status;

const MANAGER = ['--server-side', '--field-manager=argocd-controller'];

/** What the tool would change, by its own comparison: of one state, for Kanari may write between its two requests. */
const expectNoDifference = async (shop: Shop): Promise<void> => {
  const before = await routeOf(shop);
  const { code, stdout } = await shop.tryKubectl(['diff', '-f', '-', ...MANAGER], ROUTE);
  const after = await routeOf(shop);
  if (before.metadata.resourceVersion !== after.metadata.resourceVersion) return expectNoDifference(shop);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
};

/** A client that sees to it that its route stands as it has made it: without a split. */
const fight = async (shop: Shop): Promise<void> => {
  const path = `/apis/networking.istio.io/v1/namespaces/${shop.namespace}/virtualservices`;
  try {
    if (!(SPLIT_ANNOTATION in annotationsOf(await routeOf(shop)))) return;
    await world.lab.api.request('DELETE', `${path}/web`);
    await world.lab.api.request('POST', `${path}?fieldManager=fighter`, ROUTE);
  } catch (error) {
    if (!(error instanceof LabApiError)) throw error;
  }
};

describe('the routes of a run', () => {
  it('are applied again and again by a GitOps tool without a conflict, a difference or a fight', async () => {
    const shop = await open('gitops');
    const before = lookOf(await routeOf(shop));
    const sync = async (): Promise<void> => {
      await shop.apply(ROUTE, ...MANAGER);
      await expectNoDifference(shop);
    };
    const syncing = repeatedly(sync, 300);
    await shop.apply(web('v2'));
    await shop.standsAt(20);
    expect(JSON.stringify((await routeOf(shop)).spec)).toContain('kanari-canary');
    await syncing.times(3);
    await shop.goesOn();
    await shop.reaches('Succeeded');
    await syncing.times(2);
    await syncing.leaveOff();
    expect(await told(shop)).toEqual([]);
    expect(lookOf(await routeOf(shop))).toEqual(before);
    expect(managersOf(await routeOf(shop))).not.toContain('kanari');
  });

  it('are left to a client that undoes their split each time, until it leaves off', async () => {
    const shop = await open('fought');
    await shop.apply(web('v2'));
    await shop.standsAt(20);
    const fighting = repeatedly(() => fight(shop), 50);
    await eventually(async () => {
      const status = await statusOf(shop);
      expect(status).toMatchObject({ phase: 'Paused', reason: 'RoutesContested', canaryWeight: 0 });
      // Or seen between its deletion and its creation, when a route of Kanari's own is what lacks.
      expect(status?.message).toMatch(/\(VirtualService web(-kanari|, last written by fighter)\)/);
    });
    await eventually(async () => {
      const names = (await shop.list('deployments')).map(({ metadata }) => metadata.name);
      expect(names).toEqual(['web']);
    });
    await eventually(async () => expect(await told(shop)).not.toEqual([]));
    await world.kanari.kill();
    await world.kanari.start();
    expect((await statusOf(shop))?.run?.routes?.undone).toBeGreaterThanOrEqual(3);
    await fighting.leaveOff();
    await shop.goesOn();
    await shop.reaches('Succeeded');
    expect(lookOf(await routeOf(shop))).toEqual(lookOf(ROUTE));
  });
});
