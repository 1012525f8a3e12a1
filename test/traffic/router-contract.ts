import { describe, expect, it } from 'vitest';
import type { Service } from '../../src/core/objects.ts';
import type { TrafficRouter, TrafficTarget } from '../../src/traffic/router.ts';

/** The routes of a world, and what others do to them. */
export interface WorldRoutes {
  /**
   * Which part of its requests each rule of the user's routes sends where, by rule and destination; the two halves of a
   * divided destination together.
   */
  shares(): Record<string, number>;
  /** Of every divided destination, Kanari's routes included: the canary's part of it in percent. */
  canaryShares(): number[];
  /** The user's objects without their destinations, as text. */
  others(): string[];
  /** Destinations that routes name and that are not there. */
  dangling(): string[];
  /** The user applies a route again that has changed, and is the only one that `edit` knows. */
  edit?(): void;
  /** Somebody deletes one of the user's routes. */
  remove?(): void;
  /** The user makes a further route to the Service. */
  create(): void;
}

/** A world with routes to the target's Services in it, fresh for each test. */
export interface RouterWorld {
  router: TrafficRouter;
  target: TrafficTarget;
  /** How many writes the router has made so far. */
  writes: () => number;
  /** All objects that aren't Kanari's, without what the API server keeps for itself. */
  users: () => unknown;
  /** All objects that are Kanari's. */
  own: () => unknown[];
  /** Absent where nothing but pods share the traffic out. */
  routes?: WorldRoutes;
  /** The user makes one more Service for the same pods; the target with it. */
  withService?(name: string): TrafficTarget;
  /** Called before each write of the router's. */
  onWrite?(handler: () => void): void;
}

export const service = (name: string, ports: NonNullable<Service['spec']>['ports'] = []): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [...ports] },
});

const signal = new AbortController().signal;

const split = async ({ router, target }: RouterWorld, weight: number): Promise<void> => {
  await router.ensureDestinations(target, signal);
  await router.setShare(target, { weight }, signal);
};

const giveBack = async ({ router }: RouterWorld, target: TrafficTarget): Promise<void> => {
  await router.restore(target, signal);
  await router.removeDestinations(target, signal);
};

/** What every router keeps, whatever it steers with. */
export const describeRouterContract = (name: string, createWorld: () => RouterWorld): void => {
  describe(`${name} keeps the router's contract`, () => {
    describeRun(createWorld);
    const world = createWorld();
    if (world.routes !== undefined) {
      describeDestinations(createWorld);
      describeOthers(createWorld);
    }
    if (world.withService !== undefined) describeServices(createWorld);
  });
};

const describeRun = (createWorld: () => RouterWorld): void => {
  it('starts restored, without destinations of its own', () => {
    const { router, target } = createWorld();
    expect(router.read(target)).toMatchObject({ routesRestored: true, destinationsRemoved: true });
  });

  it('reads back what it wrote, through a whole run', async () => {
    const { router, target } = createWorld();
    await router.ensureDestinations(target, signal);
    expect(router.read(target)).toMatchObject({ destinations: true });
    for (const weight of [0, 10, 33, 100, 0]) {
      await router.setShare(target, { weight }, signal);
      expect(router.read(target)).toMatchObject({ split: true, share: { weight } });
      expect(router.read(target).rewritten).toBeUndefined();
    }
    await router.restore(target, signal);
    expect(router.read(target)).toMatchObject({ routesRestored: true, share: undefined });
    await router.removeDestinations(target, signal);
    expect(router.read(target)).toMatchObject({ destinationsRemoved: true });
  });

  it("gives everything of the user's back and leaves nothing of its own", async () => {
    const world = createWorld();
    const before = world.users();
    await split(world, 20);
    await giveBack(world, world.target);
    expect(world.users()).toEqual(before);
    expect(world.own()).toEqual([]);
  });

  it('writes nothing when nothing would change', async () => {
    const { router, target, writes } = createWorld();
    const twice = async (act: () => Promise<void>): Promise<void> => {
      await act();
      const count = writes();
      await act();
      expect(writes()).toBe(count);
    };
    await twice(() => router.ensureDestinations(target, signal));
    await twice(() => router.setShare(target, { weight: 20 }, signal));
    await twice(() => router.restore(target, signal));
    await twice(() => router.removeDestinations(target, signal));
  });

  it('restores although it never split', async () => {
    const world = createWorld();
    await giveBack(world, world.target);
    expect(world.writes()).toBe(0);
  });
};

/** Of a world that has some; those without are not asked. */
const routesOf = ({ routes }: RouterWorld): WorldRoutes => {
  if (routes === undefined) throw new Error('a world without routes');
  return routes;
};

const describeDestinations = (createWorld: () => RouterWorld): void => {
  it('moves no traffic by making destinations', async () => {
    const world = createWorld();
    const before = routesOf(world).shares();
    await world.router.ensureDestinations(world.target, signal);
    expect(routesOf(world).shares()).toEqual(before);
    expect(routesOf(world).canaryShares()).toEqual([]);
  });

  it('divides its own share exactly, and leaves every other as it is', async () => {
    const world = createWorld();
    const before = Object.entries(routesOf(world).shares());
    for (const weight of [0, 1, 33, 50, 99, 100]) {
      await split(world, weight);
      const shares = routesOf(world).shares();
      for (const [destination, share] of before) expect(shares[destination]).toBeCloseTo(share, 9);
      const canary = routesOf(world).canaryShares();
      expect(canary.length).toBeGreaterThan(0);
      for (const share of canary) expect(share).toBeCloseTo(weight, 9);
    }
  });

  it('leaves everything but destinations as it is, byte for byte', async () => {
    const world = createWorld();
    const before = routesOf(world).others();
    for (const weight of [0, 20, 100]) {
      await split(world, weight);
      expect(routesOf(world).others()).toEqual(before);
    }
  });

  it('lets no route name a destination that is not there, at any write of a run', async () => {
    const world = createWorld();
    const dangling: string[] = [];
    world.onWrite?.(() => void dangling.push(...routesOf(world).dangling()));
    await split(world, 0);
    await split(world, 20);
    await giveBack(world, world.target);
    expect([...dangling, ...routesOf(world).dangling()]).toEqual([]);
  });
};

/** The same world without a run: what the user's objects have to look like in the end. */
const untouched = (createWorld: () => RouterWorld, act: (routes: WorldRoutes) => void): unknown => {
  const world = createWorld();
  act(routesOf(world));
  return world.users();
};

const DEEDS: readonly { what: string; act: (routes: WorldRoutes) => void; needs?: 'edit' | 'remove' }[] = [
  { what: 'a route that is made', act: (routes) => routes.create() },
  { what: 'a route that is edited', act: (routes) => routes.edit?.(), needs: 'edit' },
  { what: 'a route that is deleted', act: (routes) => routes.remove?.(), needs: 'remove' },
  {
    what: 'a route that is deleted and made again',
    act: (routes) => {
      routes.remove?.();
      routes.edit?.();
    },
    needs: 'remove',
  },
];

const describeOthers = (createWorld: () => RouterWorld): void => {
  const routes = routesOf(createWorld());
  const possible = DEEDS.filter(({ needs }) => needs === undefined || routes[needs] !== undefined);
  it.each(possible)('$what in the middle is split, and comes out as its user has it', async ({ act }) => {
    const world = createWorld();
    await split(world, 20);
    act(routesOf(world));
    await split(world, 20);
    expect(world.router.read(world.target)).toMatchObject({ split: true, share: { weight: 20 } });
    for (const share of routesOf(world).canaryShares()) expect(share).toBeCloseTo(20, 9);
    expect(routesOf(world).dangling()).toEqual([]);
    await giveBack(world, world.target);
    expect(world.users()).toEqual(untouched(createWorld, act));
    expect(world.own()).toEqual([]);
  });

  it('says which routes others have rewritten', async () => {
    const world = createWorld();
    await split(world, 20);
    routesOf(world).create();
    expect(world.router.read(world.target).split).toBe(false);
    expect(world.router.read(world.target).rewritten).toEqual(expect.any(String));
  });
};

const describeServices = (createWorld: () => RouterWorld): void => {
  const withLate = (world: RouterWorld): TrafficTarget => world.withService?.('late') ?? world.target;

  it('splits a Service that appears late, and gives it back too', async () => {
    const world = createWorld();
    await split(world, 20);
    const more = withLate(world);
    const late = { ...world, target: more };
    await split(late, 20);
    expect(world.router.read(more)).toMatchObject({ destinations: true, split: true, share: { weight: 20 } });
    expect(world.router.read(more).services).toContain('late');
    await giveBack(world, more);
    const plain = createWorld();
    withLate(plain);
    expect(world.users()).toEqual(plain.users());
    expect(world.own()).toEqual([]);
  });

  it('takes a Service out that is not among them any more', async () => {
    const world = createWorld();
    await split({ ...world, target: withLate(world) }, 20);
    await split(world, 20);
    expect(world.router.read(world.target)).toMatchObject({ split: true, share: { weight: 20 } });
    await giveBack(world, world.target);
    expect(world.own()).toEqual([]);
    const plain = createWorld();
    withLate(plain);
    expect(world.users()).toEqual(plain.users());
  });
};
