import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../src/certs/authority.ts';
import { splitBundle } from '../../src/certs/validity.ts';
import { DAY, START } from './key-pairs.ts';
import { MINUTE, SECOND, type Service, startService } from './service.ts';

const RUNS = 6;
let foreign: string;

beforeAll(async () => {
  foreign = (await createAuthority(START)).cert;
});

type Step =
  | { do: 'pass'; which: 0 | 1; afterMs: number }
  | { do: 'restart'; which: 0 | 1 }
  | { do: 'kill'; which: 0 | 1; atWrite: number }
  | { do: 'setClock'; byMs: number }
  | { do: 'lose' | 'spoil' | 'restore' | 'trustAlso' | 'sleep' | 'live' };

const which = fc.constantFrom(0 as const, 1 as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      which,
      afterMs: fc.constantFrom(0, 500, SECOND, 5 * SECOND, 20 * SECOND),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('kill' as const), which, atWrite: fc.constantFrom(1, 2) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('setClock' as const),
      byMs: fc.constantFrom(-20 * MINUTE, 20 * MINUTE),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('lose', 'spoil', 'restore', 'trustAlso', 'sleep', 'live'),
    }),
  },
);

/** @returns the calls that failed */
const take = async (service: Service, taken: Step): Promise<string[]> => {
  switch (taken.do) {
    case 'pass':
      service.wait(taken.afterMs);
      await service.pass(taken.which);
      break;
    case 'restart':
      service.restart(taken.which);
      break;
    case 'kill':
      await service.kill(taken.which, taken.atWrite);
      break;
    case 'setClock':
      service.setClock(taken.byMs);
      break;
    case 'trustAlso':
      service.trustAlso(foreign);
      break;
    // Two thirds of a leaf's life, and a day, in which nobody is awake: its renewal is due.
    case 'sleep':
      service.wait(21 * DAY);
      break;
    case 'live':
      return service.live(65 * MINUTE);
    default:
      service[taken.do]();
  }
  return service.failedCalls();
};

describe('whatever happens to the Secret and to replicas', () => {
  it('no call of a ready replica fails, and all is settled in the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 20 }),
        fc.constantFrom(0, 30 * SECOND, -30 * SECOND),
        async (steps, skewMs) => {
          const service = await startService(skewMs);
          for (const taken of steps) expect(await take(service, taken)).toEqual([]);
          expect(await service.live(36 * SECOND, 3 * SECOND)).toEqual([]);
          const [one, other] = service.served();
          expect(one).toBe(other);
          expect(service.problems()).toEqual([undefined, undefined]);
          expect(await service.live(65 * MINUTE)).toEqual([]);
          expect(splitBundle(service.trusted())).toHaveLength(1);
          expect(service.stored()).toBe(service.trusted());
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});
