import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandResult } from '../../../lab/command.ts';
import { FIRST_START_MS } from '../../../lab/lab.ts';
import { annotationsOf } from '../../../src/core/objects.ts';
import { imageOf, type Shop, SLOW, startWorld, uidsOf, type World, web } from '../shop.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { canaryHasItsShare, look, marksOf, revisionIn, type Sight, serves } from './sight.ts';
import { plain } from './situation.ts';
import { send, VERBS } from './verbs.ts';
import { warningsIn } from './walk.ts';

// Requests that race: each is answered for what it meets, whoever wins.

let world: World;
let ledger: Ledger;
beforeAll(async () => {
  world = await startWorld();
  ledger = createLedger(world);
}, FIRST_START_MS);
afterAll(() => world?.stop());

const TAGS = Array.from({ length: 10 }, (_, index) => `v${index + 2}`);

const opened = async (namespace: string, manifest = plain()('v1')): Promise<[Shop, Sight]> => {
  const shop = await world.openShop(namespace, { annotations: SLOW });
  await shop.apply(manifest);
  await serves(shop);
  return [shop, await look(shop)];
};

/** Held at what was stored last, and nothing of it runs but the canary. */
const expectHeld = async (shop: Shop, before: Sight): Promise<void> => {
  await canaryHasItsShare(shop);
  const after = await look(shop);
  expect(after.deployment.spec.paused).toBe(true);
  expect(marksOf(after.deployment)).toEqual({
    'kanari.dev/run': revisionIn(after.deployment),
    'kanari.dev/primary': revisionIn(before.deployment),
    'kanari.dev/held-by': 'webhook',
  });
  expect(uidsOf(after.sets)).toEqual(uidsOf(before.sets));
  expect(uidsOf(after.pods)).toEqual(uidsOf(before.pods));
};

/** How the request was answered that was stored: those that lost a race were tried again, their warnings stay. */
const answers = (said: CommandResult[]): (string | undefined)[] =>
  said
    .map((one) =>
      warningsIn(one).flatMap((line) => /^canary of web (started|starts again)/.exec(line)?.[1] ?? []),
    )
    .map((begun) => begun.at(-1))
    .sort();

describe('ten clients at once', () => {
  it('with templates of their own: one starts the canary, the others start it again', async () => {
    const [shop, before] = await opened('ten-templates');
    const said = await Promise.all(
      TAGS.map((tag) => send(shop, { args: ['set', 'image', 'deployment/web', `web=web:${tag}`] })),
    );
    expect(said.map(({ code }) => code)).toEqual(TAGS.map(() => 0));
    expect(answers(said)).toEqual(['started', ...TAGS.slice(1).map(() => 'starts again')]);
    await expectHeld(shop, before);
    expect(TAGS).toContain(imageOf(await shop.deployment())?.split(':')[1]);
  });

  it('with the same template: one canary, started once', async () => {
    const [shop, before] = await opened('same-template');
    const said = await Promise.all(TAGS.map(() => shop.apply(plain()('v2'))));
    expect(answers(said)).not.toContain('starts again');
    await expectHeld(shop, before);
    expect((await shop.canary()).status?.history).toEqual([]);
  });

  it('with verbs of all kinds: none of them gets a template out', async () => {
    const [shop, before] = await opened('all-kinds');
    const { namespace } = shop;
    const verbs = (['newer', 'newerImage', 'newerByPut', 'pause', 'resume'] as const).flatMap((ask) =>
      Object.values(VERBS[ask]),
    );
    await Promise.all(
      verbs.map((verb, index) => send(shop, verb({ namespace, manifest: plain()(`v${index + 2}`) }))),
    );
    // Whether a person's pause or Kanari's came first is theirs to race for.
    const after = await look(shop);
    expect(after.deployment.spec.paused).toBe(true);
    expect(uidsOf(after.pods)).toEqual(uidsOf(before.pods));
    expect(uidsOf(after.sets)).toEqual(uidsOf(before.sets));
    await send(shop, { args: ['rollout', 'resume', 'deployment/web'] });
    await expectHeld(shop, before);
  });

  it('where none can be held: each that is stored is told and counted once', async () => {
    const recreate = { replicas: 1, spec: { strategy: { type: 'Recreate' } } };
    const [shop, before] = await opened('none-held', web('v1', recreate));
    const images = TAGS.map((tag) => ['set', 'image', 'deployment/web', `web=web:${tag}`]);
    const said = await Promise.all(images.map((args) => send(shop, { args })));
    expect(said.map(({ code }) => code)).toEqual(TAGS.map(() => 0));
    const after = await shop.deployment();
    expect(annotationsOf(after)).not.toHaveProperty(['kanari.dev/run']);
    const stored = (after.metadata.generation ?? 0) - (before.deployment.metadata.generation ?? 0);
    for (let change = 0; change < stored; change += 1) ledger.expect(shop, 'RecreateStrategy');
  });
});

it('tells every change that goes out without a canary once, and counts it once', () => ledger.balances());
