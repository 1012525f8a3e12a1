import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KanariOptions } from '../../../lab/kanari.ts';
import { FIRST_START_MS } from '../../../lab/lab.ts';
import { eventually, QUICK } from '../shop.ts';
import { commands } from './commands.ts';
import { type OperationsWorld, startOperationsWorld } from './operations-world.ts';
import { settles } from './quiet.ts';
import { User } from './user.ts';

// Whatever users do to a Deployment, in whatever order, and whenever Kanari dies: see docs/lab.md for how to run it
// longer, or with other seeds.

const {
  KANARI_OPERATIONS_SEEDS: SEEDS_WANTED,
  KANARI_OPERATIONS_RUNS: RUNS_WANTED,
  KANARI_OPERATIONS_DIARY: DIARY_WANTED,
} = process.env;

const RUNS = Number(RUNS_WANTED ?? '2');
const SEQUENCES = fc.record({
  /** Else pods are there already, without anything of Kanari's. */
  optedIn: fc.boolean(),
  commands: fc.array(commands, { minLength: 12, maxLength: 18, size: 'max' }),
});
type Sequence = typeof SEQUENCES extends fc.Arbitrary<infer S> ? S : never;
const PER_RUN_MS = 600_000;

const SETTINGS = { ...QUICK, 'kanari.dev/progress-deadline': '12s' };

const work = async (
  world: OperationsWorld,
  namespace: string,
  { optedIn, commands: sequence }: Sequence,
): Promise<void> => {
  const user = new User(world, await world.openShop(namespace, { optedIn, annotations: SETTINGS }));
  try {
    await user.begin();
    await fc.asyncModelRun(() => ({ model: {}, real: user }), sequence);
    await settles(user);
  } catch (error) {
    throw new Error(`${user.diary.join('\n')}\n${String(error)}`, { cause: error });
  } finally {
    if (DIARY_WANTED) console.log(user.diary.join('\n'));
    user.end();
    await user.shop.kubectl(['delete', 'deployment/web', '--wait=false']);
  }
};

/** One lab, and sequences from each seed in it, all at once. */
export const describeSequences = (options: KanariOptions, usual: readonly number[]): void => {
  const seeds = SEEDS_WANTED === undefined ? usual : SEEDS_WANTED.split(',').map(Number);
  let world: OperationsWorld;
  beforeAll(async () => {
    world = await startOperationsWorld(options);
  }, FIRST_START_MS);
  afterAll(() => world?.stop());

  describe.concurrent('a Deployment that anybody may do anything to', () => {
    it.for(seeds)(
      'is never released ungated and untold, by seed %i',
      { timeout: RUNS * PER_RUN_MS },
      async (seed) => {
        let run = 0;
        const property = fc.asyncProperty(SEQUENCES, (sequence) => {
          run += 1;
          return work(world, `operations-${seed}-${run}`, sequence);
        });
        // Not shrunk: each try takes a minute on a real cluster.
        await fc.assert(property, { seed, numRuns: RUNS, endOnFailure: true });
      },
    );
  });

  describe('every ungated release', () => {
    it('was counted and told in an Event', async () => {
      await eventually(async () => expect(await world.told()).toEqual(await world.counted()));
    });
  });
};
