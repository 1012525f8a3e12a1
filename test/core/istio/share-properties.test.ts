import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Route } from '../../../src/core/istio/split-route.ts';
import { parseSubset } from '../../../src/core/istio/subsets.ts';
import {
  restoreVirtualService,
  splitVirtualService,
  type VirtualService,
} from '../../../src/core/istio/virtual-service.ts';
import { jsonKey } from '../../../src/core/same-json.ts';
import type { Splits } from '../../../src/core/split-annotation.ts';
import { arbitraryVirtualService } from './arbitrary-virtual-service.ts';

// What a split does to the shares of a route, whatever the weights its user has given.

const MAX = 2 ** 31 - 1;

type Weighted = NonNullable<Route['route']>[number];

const routesOf = ({ spec }: VirtualService): Route[] =>
  [spec.http, spec.tcp, spec.tls].flatMap((list) => list ?? []);

/** As Istio reads it: an only destination takes everything; among several, one without a weight takes nothing. */
const weigh = (list: readonly Weighted[]): number[] =>
  list.length === 1 ? [1] : list.map(({ weight = 0 }) => weight);

/** Of a split list, the indexes of what each destination of the user's has become. */
const partsOf = (user: readonly Weighted[], split: readonly Weighted[]): number[][] => {
  let next = 0;
  return user.map(() => {
    const side = (index: number) => parseSubset(split[index]?.destination.subset)?.side;
    const size = side(next) === 'primary' && side(next + 1) === 'canary' ? 2 : 1;
    next += size;
    return size === 2 ? [next - 2, next - 1] : [next - 1];
  });
};

const total = (weights: readonly number[]): bigint => weights.reduce((sum, each) => sum + BigInt(each), 0n);

/** Weights of any size in the place of those few that most users write. */
const reweighed = (object: VirtualService, weights: readonly (number | undefined)[]): VirtualService => {
  let next = 0;
  const changed = structuredClone(object);
  for (const { route = [] } of routesOf(changed)) {
    for (const each of route) {
      const weight = weights[next++ % weights.length];
      if (weight === undefined) delete each.weight;
      else each.weight = weight;
    }
  }
  return changed;
};

const weight = fc.option(
  fc.oneof(fc.constantFrom(0, 1, 33, 100, 3_300, 10_000, MAX), fc.nat(100), fc.integer({ min: 0, max: MAX })),
  { nil: undefined },
);
const anyRoute = fc
  .tuple(arbitraryVirtualService, fc.array(weight, { minLength: 1, maxLength: 7 }))
  .map(([object, weights]) => reweighed(object, weights));
const share = fc.integer({ min: 0, max: 100 });
const splitsAt = (web: number, api: number): Splits => ({
  web: { services: ['web'], weight: web, subsets: ['v1'] },
  api: { services: ['api'], weight: api },
});

it('is not to change the share of any destination of the user’s', () => {
  fc.assert(
    fc.property(anyRoute, share, share, (user, web, api) => {
      const split = routesOf(splitVirtualService(user, splitsAt(web, api)));
      for (const [index, { route = [] }] of routesOf(user).entries()) {
        const after = split[index]?.route ?? [];
        const [before, now] = [weigh(route), weigh(after)];
        for (const [each, parts] of partsOf(route, after).entries()) {
          const whole = total(parts.map((part) => now[part] ?? 0));
          expect(whole * total(before)).toBe(BigInt(before[each] ?? 0) * total(now));
        }
      }
    }),
    { numRuns: 500 },
  );
});

it('is to give the canary its percentage, at most one unit of weight less, and never 0 of 0', () => {
  fc.assert(
    fc.property(anyRoute, share, (user, web) => {
      const split = routesOf(splitVirtualService(user, splitsAt(web, web)));
      for (const [index, { route = [] }] of routesOf(user).entries()) {
        const after = split[index]?.route ?? [];
        for (const [first = 0, second] of partsOf(route, after)) {
          if (second === undefined) continue;
          const [primary = 0, canary = 0] = [after[first]?.weight, after[second]?.weight];
          expect(primary + canary).toBeGreaterThan(0);
          const exact = ((primary + canary) * web) / 100;
          expect(canary).toBeLessThanOrEqual(exact);
          expect(canary).toBeGreaterThan(exact - 1);
        }
      }
    }),
    { numRuns: 500 },
  );
});

it('is to be undone to the byte, whatever the weights', () => {
  fc.assert(
    fc.property(anyRoute, share, share, (user, web, api) => {
      const restored = restoreVirtualService(splitVirtualService(user, splitsAt(web, api)));
      expect(jsonKey(restored)).toBe(jsonKey(user));
    }),
    { numRuns: 500 },
  );
});
