import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { annotationsOf, type Deployment } from '../../src/core/objects.ts';
import { withMarks } from './admission-table/situation.ts';
import { eventually, imageOf, QUICK, type Shop, SLOW, startWorld, uidsOf, type World, web } from './shop.ts';

// Kanari is killed, its users go on, and the failsafe holds what they change. Then Kanari is back: it takes over what it
// finds, and goes on with what it had begun.

let world: World;

interface Scene {
  annotations: typeof QUICK | typeof SLOW;
  /** Opted in only after its first rollout: no pod carries a label of Kanari's. */
  late?: boolean;
  /** Before Kanari is killed. */
  before?: (shop: Shop) => Promise<unknown>;
  /** While it is dead. */
  meanwhile: (shop: Shop) => Promise<{ stderr: string } | undefined>;
}

const apply = (tag: string) => (shop: Shop) => shop.apply(web(tag));
const heldAtHalf = async (shop: Shop): Promise<void> => {
  await shop.apply(web('v2'));
  await shop.standsAt(50);
};

const SCENES = {
  released: { annotations: QUICK, meanwhile: apply('v2') },
  'released-late': { annotations: QUICK, late: true, meanwhile: apply('v2') },
  superseded: { annotations: SLOW, before: heldAtHalf, meanwhile: apply('v3') },
  reverted: { annotations: SLOW, before: heldAtHalf, meanwhile: apply('v1') },
  'reverted-unseen': {
    annotations: SLOW,
    late: true,
    meanwhile: async (shop) => {
      await shop.apply(web('v2'));
      return shop.apply(web('v1'));
    },
  },
  resumed: {
    annotations: SLOW,
    before: heldAtHalf,
    meanwhile: (shop) => shop.kubectl(['rollout', 'resume', 'deployment/web']),
  },
  skipped: {
    annotations: SLOW,
    meanwhile: (shop) => shop.apply(web('v2', { annotations: { 'kanari.dev/skip': 'incident-1' } })),
  },
  'skipped-held': {
    annotations: SLOW,
    before: heldAtHalf,
    meanwhile: (shop) => shop.kubectl(['annotate', 'deployment/web', 'kanari.dev/skip=incident-1']),
  },
  restored: {
    annotations: SLOW,
    meanwhile: async (shop) => {
      await shop.kubectl(['delete', 'deployment/web', '--wait']);
      return shop.apply(withMarks(web('v2', { spec: { paused: true } })));
    },
  },
  // It is due from the moment on that Kanari is dead: before, the run waits for it.
  'under-way': {
    annotations: SLOW,
    before: heldAtHalf,
    meanwhile: async (shop) => {
      await shop.goesOn();
      return undefined;
    },
  },
} satisfies Record<string, Scene>;

interface Played {
  shop: Shop;
  /** Just before the kill. */
  pods: (string | undefined)[];
  runId: string | undefined;
  said: string;
  /** Just before Kanari is back. */
  dead: Deployment;
  deadPods: (string | undefined)[];
}
const played: Partial<Record<string, Played>> = {};
const scene = (name: keyof typeof SCENES): Played => played[name] ?? expect.fail(name);

const open = async (name: string, { annotations, late = false, before }: Scene): Promise<Shop> => {
  const shop = await world.openShop(name, { optedIn: !late, annotations });
  await shop.opens();
  if (late) await world.lab.kubectl(['label', 'namespace', name, 'kanari.dev/rollouts=enabled']);
  await before?.(shop);
  if (before === undefined) await shop.reaches('Initialized');
  return shop;
};

const webhookGone = (shop: Shop) =>
  eventually(async () => {
    const { stdout } = await shop.apply(web('probe'), '--dry-run=server', '-o', 'json');
    expect(annotationsOf(JSON.parse(stdout) as Deployment)['kanari.dev/held-by']).toBe('failsafe');
  });

beforeAll(async () => {
  world = await startWorld({ failsafe: true });
  const shops = await Promise.all(
    Object.entries(SCENES).map(async ([name, one]) => [name, await open(name, one)] as const),
  );
  const looked = await Promise.all(
    shops.map(async ([name, shop]) => {
      const runId = (await shop.canary()).status?.run?.id;
      return [name, { shop, pods: uidsOf(await shop.pods()), runId }] as const;
    }),
  );
  await world.kanari.kill();
  for (const [name, { shop, ...known }] of looked) {
    await webhookGone(shop);
    const answer = await (SCENES as Record<string, Scene>)[name]?.meanwhile(shop);
    // The Deployment controller has seen it, and done what it would.
    await eventually(async () => {
      const { metadata, status } = await shop.deployment();
      expect(status?.observedGeneration).toBe(metadata.generation);
    });
    const [dead, deadPods] = [await shop.deployment(), uidsOf(await shop.pods())];
    played[name] = { shop, ...known, said: answer?.stderr ?? '', dead, deadPods };
  }
  await world.kanari.start();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const HELD = 'kanari does not answer: web is held, and its canary starts when kanari is back';

const heldByFailsafe = ({ dead, deadPods, pods }: Played, tag: string): void => {
  expect(dead.spec.paused).toBe(true);
  expect(imageOf(dead)).toBe(`web:${tag}`);
  expect(annotationsOf(dead)).toMatchObject({ 'kanari.dev/held-by': 'failsafe' });
  expect(deadPods).toEqual(pods);
};

const promoted = async ({ shop }: Played, tag: string): Promise<void> => {
  const { status } = await shop.reaches('Succeeded');
  expect(status?.history).toMatchObject([{ outcome: 'Promoted', images: [`web:${tag}`] }]);
  await shop.settles();
  expect(imageOf(await shop.deployment())).toBe(`web:${tag}`);
  const marks = Object.keys(annotationsOf(await shop.deployment()));
  expect(marks.filter((name) => name.startsWith('kanari.dev/'))).toEqual(['kanari.dev/primary']);
};

const releasedWithoutRestart = async ({ shop, pods }: Played): Promise<void> => {
  await eventually(async () => {
    const { metadata, spec } = await shop.deployment();
    expect(spec.paused ?? false).toBe(false);
    expect(annotationsOf({ metadata })).not.toHaveProperty(['kanari.dev/held-by']);
    expect((await shop.canary()).status).toMatchObject({ phase: 'Initialized', canaryWeight: 0 });
  });
  await shop.settles();
  expect(uidsOf(await shop.pods())).toEqual(pods);
  expect(await shop.replicaSets()).toHaveLength(1);
};

describe.concurrent('changed while Kanari was dead', () => {
  it.for(['released', 'released-late'] as const)(
    'a Deployment is held at once, then canaried and promoted: %s',
    async (name) => {
      const one = scene(name);
      expect(one.said).toContain(HELD);
      heldByFailsafe(one, 'v2');
      expect(annotationsOf(one.dead)).not.toHaveProperty(['kanari.dev/run']);
      await promoted(one, 'v2');
    },
  );

  it('a held template is superseded, and the primary left alone', async () => {
    const one = scene('superseded');
    expect(one.said).toContain(HELD);
    heldByFailsafe(one, 'v3');
    await eventually(async () => {
      const { status } = await one.shop.canary();
      expect(status).toMatchObject({ canaryWeight: 50, run: { images: ['web:v3'] } });
      expect(status?.history).toMatchObject([{ images: ['web:v2'], outcome: 'Superseded' }]);
    });
    expect(annotationsOf(await one.shop.deployment())).toMatchObject({
      'kanari.dev/run': expect.stringMatching(/^1-/),
      'kanari.dev/primary': annotationsOf(one.dead)['kanari.dev/primary'],
      'kanari.dev/held-by': 'webhook',
    });
    expect(uidsOf(await one.shop.pods())).toEqual(one.pods);
  });

  it.for(['reverted', 'reverted-unseen'] as const)('a revert restarts no pod: %s', async (name) => {
    heldByFailsafe(scene(name), 'v1');
    await releasedWithoutRestart(scene(name));
  });

  it('a hold that somebody resumed goes on as the run it was', async () => {
    const { shop, said, dead, runId } = scene('resumed');
    expect(said).toContain('kanari does not answer: web stays held until kanari is back');
    heldByFailsafe(scene('resumed'), 'v2');
    await eventually(async () =>
      expect(annotationsOf(await shop.deployment())).toEqual({
        ...annotationsOf(dead),
        'kanari.dev/held-by': 'webhook',
      }),
    );
    expect((await shop.canary()).status).toMatchObject({ canaryWeight: 50, run: { id: runId } });
    const { stderr } = await shop.kubectl(['rollout', 'resume', 'deployment/web']);
    expect(stderr).toContain('Warning: kanari: web stays held. Release it now:');
  });

  it('a skipped template went out, and is what serves', async () => {
    const { shop, said, dead } = scene('skipped');
    expect(said).toContain('kanari does not answer: web is released without a canary');
    expect(dead.spec.paused ?? false).toBe(false);
    await shop.settles();
    expect(imageOf(await shop.deployment())).toBe('web:v2');
    await shop.apply(web('v3', { annotations: { 'kanari.dev/skip': 'incident-1' } }));
    await shop.standsAt(50);
    expect((await shop.canary()).status?.run?.images).toEqual(['web:v3']);
  });
});

it('what was held and is skipped while Kanari is dead goes out, and its run is withdrawn', async () => {
  const { shop, said, dead } = scene('skipped-held');
  expect(said).toContain('kanari does not answer: web is released without a canary');
  expect(dead.spec.paused ?? false).toBe(false);
  await eventually(async () => {
    const { status } = await shop.canary();
    expect(status).toMatchObject({ phase: 'Initialized', canaryWeight: 0 });
    expect(status?.history).toMatchObject([{ outcome: 'Skipped', images: ['web:v2'] }]);
  });
  await shop.settles();
  expect(imageOf(await shop.deployment())).toBe('web:v2');
  await expect(shop.deployment('web-canary')).rejects.toThrow('NotFound');
});

it('a manifest that was restored with the marks of a hold comes without it, and runs', async () => {
  const { shop, dead } = scene('restored');
  expect(dead.spec.paused ?? false).toBe(false);
  const marks = (deployment: Deployment) =>
    Object.keys(annotationsOf(deployment)).filter((name) => name.startsWith('kanari.dev/'));
  expect(marks(dead)).toEqual([]);
  await shop.settles();
  expect(imageOf(await shop.deployment())).toBe('web:v2');
});

it('a run that was under way when Kanari was killed ends as it would have', async () => {
  await promoted(scene('under-way'), 'v2');
});
