import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../../lab/lab.ts';
import { annotationsOf, type Deployment } from '../../../src/core/objects.ts';
import { hearsOfOrphans, imageOf, type Shop, SLOW, startWorld, type World } from '../shop.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { type OutcomeName, outcomeOf } from './outcomes.ts';
import { look, marksOf, type Sight, serves } from './sight.ts';
import { orphan, plain, withMarks, withSkip } from './situation.ts';
import { CREATES, send, type Verb } from './verbs.ts';
import { expectOutcome, INJECTED, warningsIn } from './walk.ts';

// Creations. The first one has nothing to compare with; one over the pods of a Deployment deleted before has.

let world: World;
let ledger: Ledger;
beforeAll(async () => {
  world = await startWorld();
  ledger = createLedger(world);
}, FIRST_START_MS);
afterAll(() => world?.stop());

const openShop = (namespace: string) => world.openShop(namespace, { annotations: SLOW });

const paused = (manifest: Deployment): Deployment => ({
  ...manifest,
  spec: { ...manifest.spec, paused: true },
});

const v1 = plain()('v1');

describe.concurrent('a creation', () => {
  const manifests: [string, Deployment, { paused: boolean }][] = [
    ['of a first manifest', v1, { paused: false }],
    ['of a manifest copied from a held Deployment', withMarks(paused(v1)), { paused: false }],
    ['of a manifest with marks that does not pause', withMarks(v1), { paused: false }],
    ['of a manifest that its user keeps paused', paused(v1), { paused: true }],
  ];
  const cells = manifests.flatMap(([title, manifest, stored], row) =>
    Object.entries(CREATES).map(
      ([verbName, verb], column) =>
        [
          `${title} by ${verbName}`,
          { namespace: `created-${row}-${column}`, manifest, verb, stored },
        ] as const,
    ),
  );

  it.for(cells)('%s is not held, and carries nothing of another', async ([, cell]) => {
    const { namespace, manifest, verb, stored } = cell;
    const shop = await openShop(namespace);
    const said = await send(shop, verb({ namespace, manifest }));
    expect(said).toMatchObject({ code: 0 });
    expect(warningsIn(said)).toEqual([]);
    const deployment = await shop.deployment();
    expect(deployment.spec.paused ?? false).toBe(stored.paused);
    expect(marksOf(deployment)).toEqual({});
    expect(annotationsOf(deployment)).not.toHaveProperty(['kanari.dev/weight']);
    expect(deployment.spec.template.metadata?.labels).toEqual(INJECTED);
    if (!stored.paused) await serves(shop);
  });

  it('with a generated name is like any other', async () => {
    const shop = await openShop('generated-name');
    const copied = withMarks(paused(v1));
    const metadata = { generateName: 'web-', annotations: annotationsOf(copied) };
    const said = await send(shop, { args: ['create', '-f', '-'], stdin: { ...copied, metadata } as never });
    expect(said).toMatchObject({ code: 0, stderr: '' });
    const [created] = await shop.list<Deployment>('deployments');
    expect(created?.metadata.name).toMatch(/^web-.+/);
    expect(created?.spec.paused ?? false).toBe(false);
    expect(created?.spec.template.metadata?.labels).toEqual(INJECTED);
  });

  it("of a canary of Kanari's own is left alone", async () => {
    const shop = await openShop('canary-itself');
    const labels = { app: 'web', 'kanari.dev/version': 'canary' };
    const { template } = v1.spec;
    const spec = {
      selector: { matchLabels: labels },
      template: { ...template, metadata: { ...template.metadata, labels } },
    };
    const canary = { ...v1, spec: { ...v1.spec, ...spec } };
    expect(await send(shop, { args: ['create', '-f', '-'], stdin: canary })).toMatchObject({ stderr: '' });
    expect((await shop.deployment()).spec.template.metadata?.labels).toEqual(labels);
  });

  it('with a setting that can not be understood is refused, and says what can', async () => {
    const shop = await openShop('created-invalid');
    const invalid = plain({ annotations: { 'kanari.dev/steps': '10,50,120' } })('v1');
    const said = await send(shop, { args: ['create', '-f', '-'], stdin: invalid });
    expect(said.stderr).toContain(
      'denied the request: kanari: kanari.dev/steps[2]: expected 1–100, got 120 (example: "10,25,50")',
    );
    await expect(shop.deployment()).rejects.toThrow('NotFound');
  });
});

/** What v1 ran; its Deployment is gone. */
const orphaned = async (shop: Shop): Promise<Sight> => {
  await shop.apply(v1);
  await serves(shop);
  const before = await look(shop);
  await orphan({ shop });
  await hearsOfOrphans(shop);
  return before;
};

/** Creates web again over its orphaned pods. */
const createOver = async (
  { shop, manifest, outcome }: { shop: Shop; manifest: Deployment; outcome: OutcomeName },
  verb: Verb,
): Promise<void> => {
  const before = await orphaned(shop);
  const expected = {
    outcome: outcomeOf(outcome),
    before,
    image: imageOf(manifest) ?? '',
    restarts: false,
    primaryTag: 'v1',
    primaryUnknown: false,
    scheduled: true,
  };
  const said = await send(shop, verb({ namespace: shop.namespace, manifest }));
  await expectOutcome({ shop, ledger }, said, expected);
};

describe.concurrent('a creation over the pods of a Deployment deleted with --cascade=orphan', () => {
  it.for(Object.entries(CREATES))('of a newer template by %s is held', async ([name, verb]) => {
    const shop = await openShop(`orphans-newer-${Object.keys(CREATES).indexOf(name)}`);
    await createOver({ shop, manifest: plain()('v2'), outcome: 'NewRevision' }, verb);
  });

  it('in a dry run says what would become of it, and leaves no trace', async () => {
    const shop = await openShop('orphans-dry-run');
    await orphaned(shop);
    const args = ['create', '--dry-run=server', '-o', 'json', '-f', '-'];
    const held = await send(shop, { args, stdin: plain()('v2') });
    expect(warningsIn(held)).toEqual(outcomeOf('NewRevision').warnings({ primary: 'v1' }));
    expect(JSON.parse(held.stdout)).toMatchObject({ spec: { paused: true } });
    const skipped = await send(shop, { args, stdin: withSkip(plain()('v2')) });
    expect(warningsIn(skipped)).toEqual(outcomeOf('Skipped').warnings({ primary: 'v1' }));
    await expect(shop.deployment()).rejects.toThrow('NotFound');
  });

  const others: [string, Deployment, OutcomeName][] = [
    ['of the template that serves takes them over', v1, 'Unchanged'],
    ['of a manifest copied from a held Deployment is held', withMarks(paused(plain()('v2'))), 'NewRevision'],
    ['with a skip goes out', withSkip(plain()('v2')), 'Skipped'],
    [
      'with the strategy Recreate goes out',
      plain({ spec: { strategy: { type: 'Recreate' } } })('v2'),
      'RecreateStrategy',
    ],
    ['without replicas goes out', plain({ replicas: 0 })('v2'), 'ScaledToZero'],
    ['paused by its user gathers', paused(plain()('v2')), 'Gathered'],
  ];
  it.for(others.map((other, row) => [...other, row] as const))('%s', async ([, manifest, outcome, row]) => {
    const shop = await openShop(`orphans-${row}`);
    await createOver({ shop, manifest, outcome }, CREATES['kubectl apply']!);
  });
});

it('tells every change that goes out without a canary once, and counts it once', () => ledger.balances());
