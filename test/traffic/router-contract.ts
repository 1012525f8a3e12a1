import { describe, expect, it } from 'vitest';
import type { Service } from '../../src/core/objects.ts';
import type { TrafficRouter, TrafficTarget } from '../../src/traffic/router.ts';

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
}

export const service = (name: string, ports: NonNullable<Service['spec']>['ports'] = []): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [...ports] },
});

/** What every router keeps, whatever it steers with. */
export const describeRouterContract = (name: string, createWorld: () => RouterWorld): void => {
  const signal = AbortSignal.timeout(60_000);

  describe(`${name} keeps the router's contract`, () => {
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
      }
      await router.restore(target, signal);
      expect(router.read(target)).toMatchObject({ routesRestored: true, share: undefined });
      await router.removeDestinations(target, signal);
      expect(router.read(target)).toMatchObject({ destinationsRemoved: true });
    });

    it("gives everything of the user's back and leaves nothing of its own", async () => {
      const { router, target, users, own } = createWorld();
      const before = users();
      await router.ensureDestinations(target, signal);
      await router.setShare(target, { weight: 20 }, signal);
      await router.restore(target, signal);
      await router.removeDestinations(target, signal);
      expect(users()).toEqual(before);
      expect(own()).toEqual([]);
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
      const { router, target, writes } = createWorld();
      await router.restore(target, signal);
      await router.removeDestinations(target, signal);
      expect(writes()).toBe(0);
    });
  });
};
