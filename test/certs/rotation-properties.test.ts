import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { isTrusted } from '../../src/certs/validity.ts';
import { fakeCluster } from './fake-cluster.ts';
import { DAY, START } from './key-pairs.ts';
import { bundles, configuration, replaceSecret, startReplica } from './replica.ts';

// RSA keys take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const SECOND = 1_000;
/** How far behind API servers may be with the webhook configuration. */
const LAG_MS = 4 * SECOND;

/** Two replicas behind a Service, and API servers that call the ready ones by some bundle of the last seconds. */
const startService = async () => {
  const cluster = fakeCluster();
  cluster.put(configuration());
  const clock = { now: START.getTime() };
  const start = () => startReplica({ cluster, clock });
  const replicas = [start(), start()];
  const known: { bundle: string; until: number }[] = [];

  /** Whoever calls a ready replica trusts what it serves, however late the caller learns. */
  const failedCalls = (): string[] => {
    const trusted = bundles(cluster)[0] ?? '';
    for (const entry of known) if (entry.bundle === trusted) entry.until = Infinity;
    const last = known.at(-1);
    if (last?.bundle !== trusted) {
      if (last !== undefined) last.until = clock.now;
      known.push({ bundle: trusted, until: Infinity });
    }
    const at = new Date(clock.now);
    const inUse = known.filter(({ until }) => clock.now - until <= LAG_MS);
    const ready = replicas.filter(({ rotator }) => rotator.problem() === undefined);
    return ready.flatMap(({ rotator }, index) =>
      inUse.flatMap(({ bundle }) =>
        isTrusted(rotator.current()?.cert ?? '', { bundle, at })
          ? []
          : [`replica ${index} at ${at.toISOString()}`],
      ),
    );
  };
  for (const replica of replicas) await replica.live(10 * SECOND);

  const pass = async (which: 0 | 1) => replicas[which]?.pass();
  const restart = (which: 0 | 1) => {
    replicas[which]?.stop();
    replicas[which] = start();
  };
  return { cluster, clock, replicas, failedCalls, pass, restart };
};

type Step =
  | { do: 'pass'; which: 0 | 1; afterMs: number }
  | { do: 'restart'; which: 0 | 1 }
  /** Its next pass ends at its first or second write, as a kill would end it; then it starts anew. */
  | { do: 'kill'; which: 0 | 1; atWrite: number }
  | { do: 'lose' | 'spoil' | 'age' };

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
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'spoil' as const, 'age' as const) }),
  },
);

describe('whatever happens to the Secret and to replicas', () => {
  it('no call of a ready replica fails, and all is settled in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
        const { cluster, clock, replicas, failedCalls, pass, restart } = await startService();
        for (const taken of steps) {
          if (taken.do === 'pass') {
            clock.now += taken.afterMs;
            await pass(taken.which);
          } else if (taken.do === 'restart') restart(taken.which);
          else if (taken.do === 'kill') {
            let writes = 0;
            cluster.hooks.before = () => {
              writes += 1;
              if (writes >= taken.atWrite) throw new Error('killed');
            };
            await pass(taken.which);
            cluster.hooks.before = () => {};
            restart(taken.which);
          } else if (taken.do === 'lose') replaceSecret(cluster, undefined);
          else if (taken.do === 'spoil')
            replaceSecret(cluster, { 'ca.crt': 'x', 'ca.key': 'x', 'tls.crt': 'x' });
          // Two thirds of a leaf's life, and a day: its renewal is due.
          else clock.now += 21 * DAY - 20 * SECOND;
          expect(failedCalls()).toEqual([]);
        }
        for (let look = 0; look < 12; look += 1) {
          clock.now += 3 * SECOND;
          await pass(0);
          await pass(1);
          expect(failedCalls()).toEqual([]);
        }
        const served = replicas.map(({ rotator }) => rotator.current()?.cert);
        expect(served[0]).toBe(served[1]);
        expect(replicas.map(({ rotator }) => rotator.problem())).toEqual([undefined, undefined]);
      }),
      { numRuns: 6, endOnFailure: true },
    );
  });
});
