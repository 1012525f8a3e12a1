import { describe, expect, it } from 'vitest';
import type { ObjectKey } from '../../src/core/objects.ts';
import type { TrafficState } from '../../src/core/snapshot.ts';
import { createCompositeRouter } from '../../src/traffic/composite.ts';
import type { TrafficRouter, TrafficTarget } from '../../src/traffic/router.ts';
import { describeRouterContract, service } from './router-contract.ts';

const signal = AbortSignal.timeout(60_000);
const target: TrafficTarget = { key: 'shop/web', owner: undefined, services: [service('web')] };

const restored: TrafficState = {
  provider: 'gateway-api',
  services: ['web'],
  destinations: false,
  split: false,
  share: undefined,
  routesRestored: true,
  destinationsRemoved: true,
};

interface RecordedRouter extends TrafficRouter {
  state: TrafficState;
}

/** Keeps its state in memory, and notes each write that changes it. */
const routerOf = (name: string, writes: string[]): RecordedRouter => {
  const become = (change: Partial<TrafficState>): Promise<void> => {
    const next = { ...router.state, ...change };
    if (JSON.stringify(next) !== JSON.stringify(router.state))
      writes.push(`${name} ${Object.keys(change).join(' ')}`);
    router.state = next;
    return Promise.resolve();
  };
  const router: RecordedRouter = {
    state: restored,
    read: () => router.state,
    ensureDestinations: () => become({ destinations: true, destinationsRemoved: false }),
    setShare: (_target, share) => become({ share, split: true, routesRestored: false }),
    restore: () => become({ share: undefined, split: false, routesRestored: true }),
    removeDestinations: () => become({ destinations: false, destinationsRemoved: true }),
  };
  return router;
};

const setUp = () => {
  const writes: string[] = [];
  const [one, two] = [routerOf('one', writes), routerOf('two', writes)];
  return { writes, one, two, both: createCompositeRouter(one, two) };
};

describeRouterContract('A composite', () => {
  const { writes, one, two, both } = setUp();
  return {
    router: both,
    target,
    writes: () => writes.length,
    users: () => [one.state, two.state].map(({ share }) => share),
    own: () => [one.state, two.state].filter(({ destinations }) => destinations),
  };
});

describe('a composite', () => {
  it('writes in order', async () => {
    const { writes, both } = setUp();
    await both.setShare(target, { weight: 20 }, signal);
    expect(writes).toEqual(['one share split routesRestored', 'two share split routesRestored']);
  });

  it('has no share where its routers disagree', async () => {
    const { one, both } = setUp();
    await both.setShare(target, { weight: 20 }, signal);
    await one.setShare(target, { weight: 50 }, signal);
    expect(both.read(target)).toMatchObject({ split: false, share: undefined });
  });

  const flags = ['destinations', 'split', 'routesRestored', 'destinationsRemoved'] as const;
  it.each(flags)('is not %s before all are', (flag) => {
    const { one, two, both } = setUp();
    one.state = { ...restored, [flag]: true };
    two.state = { ...restored, [flag]: false };
    expect(both.read(target)[flag]).toBe(false);
    two.state = { ...restored, [flag]: true };
    expect(both.read(target)[flag]).toBe(true);
  });

  it('waits for what any of them waits for, first for what may still be worked by', () => {
    const { one, two, both } = setUp();
    one.state = { ...restored, outstanding: { message: 'refused', seen: true }, warnings: ['a'] };
    two.state = {
      ...restored,
      outstanding: { message: 'late', seen: false },
      obstacle: { reason: 'RouteNotFound', message: 'none' },
      canaryServices: { web: 'web-canary' },
      warnings: ['b'],
    };
    expect(both.read(target)).toMatchObject({
      outstanding: { message: 'late', seen: false },
      obstacle: { reason: 'RouteNotFound' },
      canaryServices: { web: 'web-canary' },
      warnings: ['a', 'b'],
    });
  });
});
