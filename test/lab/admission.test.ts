import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { annotationsOf, type Deployment, type Pod } from '../../src/core/objects.ts';
import { eventually, imageOf, type Shop, SLOW, startWorld, uidsOf, type World, web } from './shop.ts';

// What a client sees of the hold: nothing is released, nothing drifts, and requests that are none of Kanari's
// business never get to it.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const parsed = (stdout: string): Deployment => JSON.parse(stdout) as Deployment;
const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

describe('requests that never reach the webhook', () => {
  const reviews = () => world.counter('kanari_admission_requests_total');

  it('leaves a namespace without the label alone', async () => {
    const shop = await world.openShop('not-opted-in', { optedIn: false });
    const before = await reviews();
    await shop.opens();
    await shop.apply(web('v2'));
    await shop.settles();
    expect(await reviews()).toBe(before);
    expect((await shop.pods()).map((pod) => JSON.stringify(pod))).toEqual([
      expect.stringContaining('web:v2'),
      expect.stringContaining('web:v2'),
    ]);
  });

  it('leaves kube-system alone, labelled or not', async () => {
    const { lab } = world;
    const at = ['-n', 'kube-system'];
    await lab.kubectl(['label', 'namespace', 'kube-system', 'kanari.dev/rollouts=enabled']);
    const before = await reviews();
    await lab.kubectl([...at, 'apply', '-f', '-'], { stdin: JSON.stringify(web('v1')) });
    const { stderr } = await lab.kubectl([...at, 'set', 'image', 'deployment/web', 'web=web:v2']);
    expect(stderr).toBe('');
    expect(await reviews()).toBe(before);
    await lab.kubectl([...at, 'delete', 'deployment', 'web']);
  });

  it('hears nothing of scaling, of other annotations and labels, and of status', async () => {
    const shop = await world.openShop('scaled');
    await shop.opens();
    const before = await reviews();
    expect(before).toBeGreaterThan(0);
    await shop.kubectl(['scale', 'deployment/web', '--replicas=3']);
    await shop.kubectl(['annotate', 'deployment/web', 'team=front']);
    await shop.kubectl(['label', 'deployment/web', 'tier=front']);
    await shop.settles();
    expect(await reviews()).toBe(before);
  });
});

interface Change {
  stored: Deployment;
  /** Undefined where the client does not show warnings. */
  warnings: string | undefined;
}

const viaKubectl = async (shop: Shop, args: readonly string[], manifest?: Deployment): Promise<Change> => {
  const stdin = manifest === undefined ? {} : { stdin: JSON.stringify(manifest) };
  const { stdout, stderr } = await shop.kubectl([...args, '-o', 'json'], stdin);
  return { stored: parsed(stdout), warnings: stderr };
};

const CHANGES: Record<string, { opening?: string[]; change: (shop: Shop) => Promise<Change> }> = {
  'kubectl apply': { change: (shop) => viaKubectl(shop, ['apply', '-f', '-'], web('v2')) },
  'server-side apply': {
    opening: ['--server-side'],
    change: (shop) => viaKubectl(shop, ['apply', '--server-side', '-f', '-'], web('v2')),
  },
  'kubectl set image': {
    change: (shop) => viaKubectl(shop, ['set', 'image', 'deployment/web', 'web=web:v2']),
  },
  'kubectl replace': { change: (shop) => viaKubectl(shop, ['replace', '-f', '-'], web('v2')) },
  'a PUT without annotations': {
    change: async ({ namespace }) => {
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
      return { stored: await world.lab.api.request<Deployment>('PUT', path, web('v2')), warnings: undefined };
    },
  },
};

describe.concurrent('the hold', () => {
  it.for(Object.entries(CHANGES))('of %s', async ([name, { opening = [], change }]) => {
    const shop = await world.openShop(`hold-${name.toLowerCase().replaceAll(' ', '-')}`, {
      annotations: SLOW,
    });
    await shop.opens(web('v1'), ...opening);
    const [pods, primary] = [uidsOf(await shop.pods()), uidsOf(await shop.replicaSets())];

    const { stored, warnings } = await change(shop);
    expect(stored.spec.paused).toBe(true);
    expect(imageOf(stored)).toBe('web:v2');
    const marks = annotationsOf(stored);
    expect(marks).toMatchObject({
      'kanari.dev/run': expect.stringMatching(/^1-[0-9a-f]{10}$/),
      'kanari.dev/primary': expect.stringMatching(/^1-[0-9a-f]{10}$/),
      'kanari.dev/weight': '0',
      'kanari.dev/held-by': 'webhook',
    });
    expect(marks['kanari.dev/run']).not.toBe(marks['kanari.dev/primary']);
    expect(stored.spec.template.metadata?.labels).toMatchObject({
      app: 'web',
      'kanari.dev/version': 'primary',
      version: 'primary',
    });
    if (warnings !== undefined) {
      expect(warnings).toContain(
        'Warning: kanari: canary of web started (50% for 30m); v1 keeps serving. Follow: kubectl get canary web -w',
      );
      expect(warnings).toContain('no metrics server is configured');
    }

    // The canary runs by now, next to the Deployment and not of it.
    await eventually(async () => expect((await shop.canary()).status?.canaryWeight).toBe(50));
    expect(uidsOf(await shop.replicaSets())).toEqual(primary);
    expect(uidsOf(await shop.pods())).toEqual(pods);
    expect((await shop.pods()).every(isReady)).toBe(true);
    expect(imageOf(await shop.deployment('web-canary'))).toBe('web:v2');
    const { metadata, spec } = await shop.deployment();
    expect(spec.paused).toBe(true);
    expect(annotationsOf({ metadata })['kanari.dev/weight']).toBe('50');
  });
});

const heldShop = async (namespace: string, manifest = web('v2'), ...args: string[]): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations: SLOW });
  const first = { ...manifest, spec: { ...manifest.spec, template: web('v1').spec.template } };
  await shop.opens(first, ...args);
  await shop.apply(manifest, ...args);
  await eventually(async () => expect((await shop.canary()).status?.canaryWeight).toBe(50));
  return shop;
};

const staysHeld = async (shop: Shop, before: Deployment): Promise<void> => {
  const { metadata, spec } = await shop.deployment();
  expect(spec).toEqual(before.spec);
  expect(spec.paused).toBe(true);
  expect(metadata.generation).toBe(before.metadata.generation);
  expect(annotationsOf({ metadata })['kanari.dev/run']).toBe(annotationsOf(before)['kanari.dev/run']);
};

describe.concurrent('while held', () => {
  it('is unchanged by the same manifest, and shows no drift', async () => {
    // The empty annotations are what kubectl itself remembers: without them its server-side diff shows its own memory.
    const manifest = web('v2', { annotations: {} });
    const shop = await heldShop('no-drift', manifest);
    const before = await shop.deployment();
    expect((await shop.apply(manifest)).stdout).toBe('deployment.apps/web unchanged\n');
    for (const flags of [[], ['--server-side']]) {
      const diff = await shop.tryKubectl(['diff', '-f', '-', ...flags], manifest);
      expect(diff).toMatchObject({ code: 0, stdout: '' });
    }
    await staysHeld(shop, before);
  });

  it('is unchanged by the same server-side apply, and shows no drift', async () => {
    const shop = await heldShop('no-drift-server-side', web('v2'), '--server-side');
    const before = await shop.deployment();
    await shop.apply(web('v2'), '--server-side');
    const diff = await shop.tryKubectl(['diff', '--server-side', '-f', '-'], web('v2'));
    expect(diff).toMatchObject({ code: 0, stdout: '' });
    await staysHeld(shop, before);
  });

  it.for([
    ['false, applied by the client', false, []],
    ['false, applied by the server', false, ['--server-side']],
    ['true, applied by the server', true, ['--server-side']],
  ] as const)('stays held by a manifest that says paused: %s', async ([name, paused, args]) => {
    const namespace = `git-${name.replaceAll(/[^a-z]+/g, '-')}`;
    const git = (tag: string) => web(tag, { spec: { paused } });
    const shop = await world.openShop(namespace, { annotations: SLOW });
    await shop.opens(web('v1', { spec: { paused: false } }), ...args);
    // A manifest that pauses is its user's own pause until a hold has taken over.
    await shop.apply(paused ? web('v2') : git('v2'), ...args);
    await eventually(async () => expect((await shop.canary()).status?.canaryWeight).toBe(50));
    const before = await shop.deployment();
    expect(before.spec.paused).toBe(true);
    const { stderr } = await shop.apply(git('v2'), ...args);
    if (!paused) expect(stderr).toContain('Warning: kanari: web stays held. Release it now:');
    await staysHeld(shop, before);
    expect(uidsOf(await shop.replicaSets())).toHaveLength(1);
  });
});

const withoutBookkeeping = ({ metadata, spec }: Deployment) => {
  const { name, namespace, labels, annotations } = metadata;
  return { metadata: { name, namespace, labels, annotations }, spec };
};

describe('a dry run on the server', () => {
  it('shows what a real change would store, and leaves no trace', async () => {
    const shop = await world.openShop('dry-run', { annotations: SLOW });
    await shop.opens();
    await shop.reaches('Initialized');
    const before = await Promise.all([shop.deployment(), shop.canary(), shop.replicaSets()]);
    const dry = await shop.apply(web('v2'), '--dry-run=server', '-o', 'json');
    expect(dry.stderr).toContain('Warning: kanari: canary of web started');
    expect(await Promise.all([shop.deployment(), shop.canary(), shop.replicaSets()])).toEqual(before);

    const real = await shop.apply(web('v2'), '-o', 'json');
    expect(withoutBookkeeping(parsed(dry.stdout))).toEqual(withoutBookkeeping(parsed(real.stdout)));
    // Events come in order: one of the dry run would be there by now.
    await eventually(async () => expect((await shop.canary()).status?.canaryWeight).toBe(50));
    const detected = (await shop.events()).filter(({ message }) =>
      message.startsWith('New revision detected!'),
    );
    expect(detected.map(({ involvedObject }) => involvedObject.kind).sort()).toEqual([
      'Canary',
      'Deployment',
    ]);
  });

  it('counts and tells nothing of a change that would go out without a canary', async () => {
    const shop = await world.openShop('dry-run-ungated', { annotations: SLOW });
    const recreate = (tag: string) => web(tag, { spec: { strategy: { type: 'Recreate' } } });
    await shop.opens(recreate('v1'));
    const ungated = () => world.counter('kanari_ungated_changes_total', 'RecreateStrategy');
    const before = await ungated();
    const dry = await shop.apply(recreate('v2'), '--dry-run=server');
    expect(dry.stderr).toContain(
      'Warning: kanari: web is released without a canary: its strategy is Recreate',
    );
    expect(await ungated()).toBe(before);
    await shop.apply(recreate('v2'));
    await eventually(async () => {
      const told = (await shop.events()).filter(({ reason }) => reason === 'RecreateStrategy');
      expect(told).toHaveLength(1);
    });
    expect(await ungated()).toBe(before + 1);
  });
});
