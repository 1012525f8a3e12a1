import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { annotationsOf, type Deployment } from '../../src/core/objects.ts';
import { eventually, type Shop, SLOW, startWorld, uidsOf, type World, web } from './shop.ts';

// Requests that are none of Kanari's business never get to it, and a hold shows no drift to its user. What becomes of
// each change is in admission-table.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

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
    // Once the API server knows of a namespace made later, it knows of the label too.
    const later = await world.openShop('made-later');
    await eventually(async () => {
      const { stdout } = await later.apply(web('v1'), '--dry-run=server', '-o', 'json');
      expect(stdout).toContain('kanari.dev/version');
    });
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

const heldShop = async (namespace: string, manifest = web('v2'), ...args: string[]): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations: SLOW });
  const first = { ...manifest, spec: { ...manifest.spec, template: web('v1').spec.template } };
  await shop.opens(first, ...args);
  await shop.apply(manifest, ...args);
  await shop.standsAt(50);
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

  it.for([false, true])('stays held by a server-side apply that says paused: %s', async (paused) => {
    const git = (tag: string) => web(tag, { spec: { paused } });
    const shop = await world.openShop(`git-${paused}`, { annotations: SLOW });
    await shop.opens(web('v1', { spec: { paused: false } }), '--server-side');
    // A manifest that pauses is its user's own pause until a hold has taken over.
    await shop.apply(paused ? web('v2') : git('v2'), '--server-side');
    await shop.standsAt(50);
    const before = await shop.deployment();
    expect(before.spec.paused).toBe(true);
    const { stderr } = await shop.apply(git('v2'), '--server-side');
    if (!paused) expect(stderr).toContain('Warning: kanari: web stays held. Release it now:');
    await staysHeld(shop, before);
    expect(uidsOf(await shop.replicaSets())).toHaveLength(1);
  });
});
