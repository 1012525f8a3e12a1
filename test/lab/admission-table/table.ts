import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandResult } from '../../../lab/command.ts';
import { FIRST_START_MS } from '../../../lab/lab.ts';
import { annotationsOf, type Deployment } from '../../../src/core/objects.ts';
import { type Shop, SLOW, startWorld, type World } from '../shop.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { type Outcome, outcomeOf } from './outcomes.ts';
import { look, marksOf, serves } from './sight.ts';
import { plain, type Situation, skipTo } from './situation.ts';
import { APPLY_AND_SHOW, type Ask, DIFF, DRY_RUN, send, VERBS, type Verb } from './verbs.ts';
import { type Expected, expectOutcome, expectSaid, expectStored, warningsIn } from './walk.ts';

// Walks the table: each situation with each verb that has an outcome there, each in a namespace of its own.

/** One cell of the table. */
interface Cell {
  title: string;
  namespace: string;
  situation: Situation;
  ask: Ask;
  verb: Verb;
  outcome: Outcome;
}

const titleOf = (ask: Ask, verbName: string): string => {
  if (ask.startsWith('newer')) return `${verbName} of a newer template`;
  if (ask.startsWith('same')) return `${verbName} of what is stored`;
  return ask.startsWith('back') ? `${verbName} of what serves` : verbName;
};

const cellsOf = (name: string, situation: Situation): Cell[] =>
  (Object.entries(situation.outcomes) as [Ask, Situation['outcomes'][Ask]][])
    .flatMap(([ask, outcomes]) =>
      Object.entries(VERBS[ask]).flatMap(([verbName, verb]) => {
        const outcome = typeof outcomes === 'object' ? outcomes[verbName] : outcomes;
        if (outcome === undefined) return [];
        return [{ title: titleOf(ask, verbName), situation, ask, verb, outcome: outcomeOf(outcome) }];
      }),
    )
    .map((cell, index) => ({ ...cell, namespace: namespaceOf(name, index) }));

/** A namespace for each cell, which tells what it is for. */
const namespaceOf = (situation: string, cell: number): string =>
  `${situation
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 55)}-${cell}`;

const tagFor = ({ ask, situation: { stored = 'v1', serving = 'v1' } }: Cell): string => {
  if (ask.startsWith('newer')) return stored === 'v1' ? 'v2' : 'v3';
  return ask.startsWith('back') ? serving : stored;
};

const imageFor = (cell: Cell): string => {
  if (cell.ask !== 'undo') return `web:${tagFor(cell)}`;
  return needsHistory(cell) ? 'web:v0' : 'web:v1';
};

/** An undo needs something to go back to, where no release has led here. */
const needsHistory = ({ ask, situation: { serving = 'v1' } }: Cell): boolean =>
  ask === 'undo' && serving === 'v1';

/** Everything that a cell's request meets. */
interface Stage {
  shop: Shop;
  expected: Expected;
  sent: (verb: Verb) => Promise<CommandResult>;
}

const v1Serves = async (shop: Shop, cell: Cell, ledger: Ledger): Promise<void> => {
  const { manifest = plain(), optedOut, optedInLater } = cell.situation;
  await shop.apply(manifest(needsHistory(cell) ? 'v0' : 'v1'));
  await serves(shop);
  if (!needsHistory(cell)) return;
  if (optedOut !== true && optedInLater !== true) ledger.expect(shop, 'Skipped');
  await skipTo({ shop, manifest }, 'v1');
  await serves(shop);
};

const stage = async ({ world, ledger, scheduled }: Rig, cell: Cell): Promise<Stage> => {
  const { situation, ask, outcome, namespace } = cell;
  const { settings, manifest = plain(), prepare, edited = (kept) => kept, justBefore } = situation;
  const annotations = { ...SLOW, ...settings };
  const shop = await world.openShop(namespace, { annotations, optedIn: situation.optedInLater !== true });
  await v1Serves(shop, cell, ledger);
  if (situation.ungatedBefore !== undefined) ledger.expect(shop, situation.ungatedBefore);
  await prepare?.({ shop, manifest, lab: world.lab });
  const before = await look(shop);
  await justBefore?.({ shop, manifest, lab: world.lab });
  const { serving: primaryTag = 'v1', primaryUnknown = false } = situation;
  const restarts = ask.startsWith('restart');
  const target = { namespace, manifest: edited(manifest(tagFor(cell))) };
  return {
    shop,
    expected: { outcome, before, image: imageFor(cell), restarts, primaryTag, primaryUnknown, scheduled },
    sent: (verb) => send(shop, verb(target)),
  };
};

/** No trace, so that the ledger balances; and the same answer as to the real request. */
const walkDry = async ({ shop, expected, sent }: Stage): Promise<void> => {
  const before = await shop.deployment();
  const dry = await sent(DRY_RUN);
  expectSaid(dry, expected);
  const accepted = dry.code === 0;
  if (accepted) {
    const answer = JSON.parse(dry.stdout) as Deployment;
    expectStored(answer, expected);
    if (expected.outcome.marks === 'hold') expect(annotationsOf(answer)['kanari.dev/weight']).toBe('0');
  }
  const diff = await sent(DIFF);
  expect(warningsIn(diff)).toEqual(warningsIn(dry));
  expect(/^\+ +(- )?image: web:/m.test(diff.stdout)).toBe(accepted);
  const after = await shop.deployment();
  expect(after.spec).toEqual(before.spec);
  expect(marksOf(after)).toEqual(marksOf(before));
  // Told once for both, a change that goes out would hide what the dry run told.
  if (!accepted || expected.outcome.ungated !== undefined) return;
  const real = await sent(APPLY_AND_SHOW);
  expect(admitted(dry)).toEqual(admitted(real));
};

/** What is left of an answer without the API server's own bookkeeping. */
const admitted = ({ stdout }: CommandResult): object => {
  const { metadata, spec } = JSON.parse(stdout) as Deployment;
  const { name, labels, annotations } = metadata;
  return { name, labels, annotations, spec };
};

export interface TableOptions {
  /** Default true: Kanari leads. Else another process does, and nothing becomes of what admission has held. */
  scheduled?: boolean;
}

interface Rig extends Required<TableOptions> {
  world: World;
  ledger: Ledger;
}

/** A file of tests from a part of the table. */
export const describeTable = (
  situations: Record<string, Situation>,
  { scheduled = true }: TableOptions = {},
): void => {
  let rig: Rig;
  beforeAll(async () => {
    const world = await startWorld({ leads: scheduled });
    rig = { world, ledger: createLedger(world), scheduled };
  }, FIRST_START_MS);
  afterAll(() => rig?.world.stop());

  describe.concurrent.each(Object.entries(situations))('%s', (name, situation) => {
    const cells = cellsOf(name, situation);
    it.for(cells.map((cell) => [cell.title, cell] as const))('%s', async ([, cell]) => {
      const { shop, expected, sent } = await stage(rig, cell);
      await expectOutcome({ shop, ledger: rig.ledger }, await sent(cell.verb), expected);
    });

    const applies = cells.filter(({ ask, verb }) => ask === 'newer' && verb === VERBS.newer['kubectl apply']);
    it.for(applies)('dry run and kubectl diff', async (cell) =>
      walkDry(await stage(rig, { ...cell, namespace: `${cell.namespace}-dry` })),
    );
  });

  it('tells every change that goes out without a canary once, and counts it once', () =>
    rig.ledger.balances());
};
