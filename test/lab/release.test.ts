import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandResult } from '../../lab/command.ts';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { failedCondition } from '../../src/core/conditions.ts';
import { annotationsOf, type Deployment, type KubeObject, labelsOf } from '../../src/core/objects.ts';
import type { Canary } from '../../src/core/snapshot.ts';
import { watchPromotions } from './promotion-watch.ts';
import {
  eventually,
  hearsOfOrphans,
  imageOf,
  QUICK,
  type Shop,
  SLOW,
  startWorld,
  uidsOf,
  type World,
  web,
  webService,
} from './shop.ts';

// A whole run as its user sees it, with kubectl alone: to promotion, to failure, back to where it came from.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const isGone = (shop: Shop, name: string) =>
  eventually(() => expect(shop.deployment(name)).rejects.toThrow('NotFound'));
const messagesOf = async (shop: Shop, kind: string): Promise<string[]> =>
  (await shop.events())
    .filter(({ involvedObject, reason }) => involvedObject.kind === kind && reason === 'Synced')
    .sort((a, b) =>
      (a.metadata.resourceVersion ?? '').localeCompare(b.metadata.resourceVersion ?? '', 'en', {
        numeric: true,
      }),
    )
    .map(({ message }) => message);
const rolloutStatus = (shop: Shop): Promise<CommandResult> =>
  shop.tryKubectl(['rollout', 'status', 'deployment/web', '--timeout=180s']);

describe.concurrent('a good release', () => {
  it('is waited for by rollout status and kubectl wait, and told in words', async () => {
    const shop = await world.openShop('good', { annotations: SLOW });
    await shop.opens();
    await shop.apply(web('v2'));
    let status: CommandResult | undefined;
    const waiting = rolloutStatus(shop).then((result) => {
      status = result;
    });
    await shop.standsAt(50);
    expect(status).toBeUndefined();
    const columns = (await shop.kubectl(['get', 'canary'])).stdout.split('\n');
    expect(columns[0]).toMatch(/^NAME +STATUS +WEIGHT +LASTTRANSITIONTIME +MESSAGE$/);
    expect(columns[1]).toMatch(
      /^web +Progressing +50 +\S+Z +canary weight 50 % \(2 of 4 pods: 50 %\), collecting evidence$/,
    );

    await shop.goesOn();
    const promoted = await shop.kubectl(['wait', '--for=condition=Promoted', 'canary/web', '--timeout=180s']);
    expect(promoted.stdout).toBe('canary.kanari.dev/web condition met\n');
    await waiting;
    expect(status).toMatchObject({ code: 0 });
    expect(status?.stdout).toContain('0 out of 2 new replicas have been updated');
    expect(status?.stdout).toContain('deployment "web" successfully rolled out');

    await shop.settles();
    const { metadata, spec } = await shop.deployment();
    expect(spec.paused ?? false).toBe(false);
    expect(Object.keys(annotationsOf({ metadata })).filter((name) => name.startsWith('kanari.dev/'))).toEqual(
      ['kanari.dev/primary'],
    );
    await isGone(shop, 'web-canary');
    expect(await world.counter('kanari_runs_total', 'outcome="Promoted"')).toBeGreaterThan(0);
    expect((await shop.apply(web('v2'))).stdout).toBe('deployment.apps/web unchanged\n');
    const { stdout } = await shop.kubectl(['get', 'canary']);
    expect(stdout).toMatch(
      /\nweb +Succeeded +0 +\S+Z +promoted at 50 %: 2 of 2 canary pods ready, 0 restarts\n/,
    );
    const story = [
      expect.stringMatching(/^New revision detected! web web:v2 \(1-[0-9a-f]{10}\)$/),
      'Starting canary analysis for web-canary',
      'Advance web canary weight 50 (2 of 4 pods: 50 %)',
      'Promoting web: rolling update to the analysed template',
      'Promotion completed! web runs web:v2',
    ];
    for (const kind of ['Deployment', 'Canary'])
      await eventually(async () => expect(await messagesOf(shop, kind)).toEqual(story));
  });

  it('is promoted although Git says paused: false, and its next server-side apply has no conflict', async () => {
    const shop = await world.openShop('good-in-git', { annotations: QUICK });
    const git = (tag: string) => web(tag, { spec: { paused: false } });
    await shop.opens(git('v1'), '--server-side');
    await shop.apply(git('v2'), '--server-side');
    await shop.reaches('Succeeded');
    await shop.settles();
    const { stdout } = await shop.tryKubectl(['apply', '--server-side', '-f', '-'], git('v2'));
    expect(stdout).toBe('deployment.apps/web serverside-applied\n');
    expect(imageOf(await shop.deployment())).toBe('web:v2');
  });

  it('restarts no pod of the primary by adoption, which labels them', async () => {
    const shop = await world.openShop('adoption', { optedIn: false, annotations: SLOW });
    await shop.opens();
    const before = await shop.pods();
    expect(before.map((pod) => labelsOf(pod)['kanari.dev/version'])).toEqual([undefined, undefined]);
    await optIn(shop);
    await shop.apply(web('v2'));
    await shop.standsAt(50);
    const after = await shop.pods();
    expect(uidsOf(after)).toEqual(uidsOf(before));
    expect(after.map((pod) => labelsOf(pod)['kanari.dev/version'])).toEqual(['primary', 'primary']);
    const [set, ...others] = await shop.replicaSets();
    expect(others).toEqual([]);
    expect(set?.spec.template.metadata?.labels).toMatchObject({ 'kanari.dev/version': 'primary' });
  });
});

/** Labels the namespace, and waits until the API server asks the webhook about it. */
const optIn = async (shop: Shop): Promise<void> => {
  await world.lab.kubectl(['label', 'namespace', shop.namespace, 'kanari.dev/rollouts=enabled']);
  await shop.reaches('Initialized');
  await eventually(async () => {
    const { stdout } = await shop.apply(web('probe'), '--dry-run=server', '-o', 'json');
    expect((JSON.parse(stdout) as Deployment).spec.paused).toBe(true);
  });
};

describe('a promotion', () => {
  it('writes nothing when the template has changed since the last check, and the change gets a canary of its own', async () => {
    const shop = await world.openShop('last-moment', { annotations: QUICK });
    await shop.opens();
    const promotions = await watchPromotions(world.lab, 'last-moment', async () => {
      const path = '/apis/apps/v1/namespaces/last-moment/deployments/web';
      const change = {
        // The change itself waits until it has been looked at.
        metadata: { annotations: { 'kanari.dev/approve': 'start' } },
        spec: { template: { spec: { containers: [{ name: 'web', image: 'web:v3' }] } } },
      };
      await world.lab.api.request('PATCH', path, change, 'application/strategic-merge-patch+json');
    });
    await shop.apply(web('v2'));
    await eventually(async () => {
      const { status } = await shop.canary();
      expect(status?.history.map(({ outcome, images }) => [outcome, ...images])).toEqual([
        ['Superseded', 'web:v2'],
      ]);
      expect(status?.reason).toBe('WaitingForApproval');
    });
    expect(promotions.seen()).toEqual(['web:v2']);
    const { spec, metadata } = await shop.deployment();
    expect({ paused: spec.paused, image: imageOf({ spec }) }).toEqual({ paused: true, image: 'web:v3' });
    expect(annotationsOf({ metadata })['kanari.dev/weight']).toBe('0');
    expect((await shop.replicaSets()).map(imageOf)).toEqual(['web:v1']);
    await shop.kubectl(['annotate', 'canary', 'web', 'kanari.dev/command=approve']);
    await shop.reaches('Succeeded');
    await promotions.stop();
    expect(promotions.seen()).toEqual(['web:v2', 'web:v3']);
    await eventually(async () =>
      expect(await messagesOf(shop, 'Deployment')).toEqual(
        expect.arrayContaining([expect.stringMatching(/^New revision detected! web web:v3 /)]),
      ),
    );
    await shop.settles();
    expect((await shop.replicaSets()).map(imageOf).sort()).toEqual(['web:v1', 'web:v3']);
  });
});

describe.concurrent('a failed release', () => {
  const hasty = (tag: string) => web(tag, { annotations: { 'kanari.dev/progress-deadline': '5s' } });

  it('fails rollout status with its reason, is not tried again, and does not stain the next one', async () => {
    const shop = await world.openShop('failed', { annotations: QUICK });
    await shop.opens();
    const before = uidsOf(await shop.pods());
    await shop.apply(web('v2-crash'));
    const failed = await rolloutStatus(shop);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('error: deployment "web" exceeded its progress deadline');
    await shop.reaches('Failed');
    await isGone(shop, 'web-canary');

    // Events follow the status.
    await eventually(async () => {
      const { stdout: described } = await shop.kubectl(['describe', 'deployment/web']);
      expect(described).toMatch(/Progressing +False +ProgressDeadlineExceeded/);
      expect(described).toMatch(
        /Rolling back web container web of web-canary-\S+ keeps crashing: ([3-9]|\d\d+) times, last with exit code 1/,
      );
      expect(described).toMatch(/Canary failed! web stays on the primary: container web of web-canary-/);
    });
    const { stdout: shown } = await shop.kubectl(['get', 'canary']);
    expect(shown).toMatch(
      /\nweb +Failed +0 +\S+Z +container web of web-canary-\S+ keeps crashing: ([3-9]|\d\d+) times, last with exit code 1\n/,
    );
    expect(uidsOf(await shop.pods())).toEqual(before);

    // GitOps applies it again and again, and somebody touches it: still failed, and no canary of it starts.
    expect((await shop.apply(web('v2-crash'))).stdout).toBe('deployment.apps/web unchanged\n');
    await shop.kubectl(['annotate', 'deployment/web', 'kanari.dev/threshold=3']);
    expect((await rolloutStatus(shop)).code).toBe(1);
    expect((await shop.canary()).status).toMatchObject({
      phase: 'Failed',
      history: [{ outcome: 'RolledBack' }],
    });

    await shop.apply(web('v3'));
    // A change is stored before anybody can take the failure away: kubectl that comes in between still sees it.
    await eventually(async () => expect(failedCondition(await shop.deployment())).toBeUndefined());
    expect(await rolloutStatus(shop)).toMatchObject({ code: 0, stderr: '' });
    await shop.reaches('Succeeded');
    const outcomes = (await shop.canary()).status?.history.map(({ outcome, images }) => [outcome, ...images]);
    expect(outcomes).toEqual([
      ['Promoted', 'web:v3'],
      ['RolledBack', 'web:v2-crash'],
    ]);
  });

  it('of pods that never get ready leaves the primary serving, and can be tried again by command', async () => {
    const shop = await world.openShop('never-ready', { annotations: QUICK });
    await shop.opens(hasty('v1'));
    const before = uidsOf(await shop.pods());
    await shop.apply(hasty('v2-neverready'));
    const { status } = await shop.reaches('Failed');
    expect(status).toMatchObject({ reason: 'CanaryNotReady', message: '0 of 2 canary pods ready' });
    expect(await shop.tryKubectl(['wait', '--for=condition=Promoted=false', 'canary/web'])).toMatchObject({
      code: 0,
    });
    await shop.kubectl(['annotate', 'canary/web', 'kanari.dev/command=retry']);
    await eventually(async () =>
      expect((await shop.canary()).status?.history.map(({ outcome }) => outcome)).toEqual([
        'RolledBack',
        'RolledBack',
      ]),
    );
    expect(uidsOf(await shop.pods())).toEqual(before);
  });
});

describe.concurrent('a revert', () => {
  const staysWith = async (shop: Shop, before: (string | undefined)[]): Promise<void> => {
    await eventually(async () => {
      const { metadata, spec } = await shop.deployment();
      expect(spec.paused ?? false).toBe(false);
      expect(annotationsOf({ metadata })).not.toHaveProperty(['kanari.dev/run']);
      expect((await shop.canary()).status).toMatchObject({ phase: 'Initialized', canaryWeight: 0 });
    });
    await isGone(shop, 'web-canary');
    expect(await rolloutStatus(shop)).toMatchObject({ code: 0 });
    expect(uidsOf(await shop.pods())).toEqual(before);
    expect(await shop.replicaSets()).toHaveLength(1);
  };

  it('before adoption restarts no pod', async () => {
    const shop = await world.openShop('revert-early', { optedIn: false, annotations: SLOW });
    await shop.opens(web('v1', { replicas: 4 }));
    const before = uidsOf(await shop.pods());
    await optIn(shop);
    await shop.apply(web('v2', { replicas: 4 }));
    const { stderr } = await shop.apply(web('v1', { replicas: 4 }));
    expect(stderr).toContain('web is back at the version that serves: nothing restarts');
    await staysWith(shop, before);
  });

  it('during its steps restarts no pod', async () => {
    const shop = await world.openShop('revert-during', { annotations: SLOW });
    await shop.opens();
    const before = uidsOf(await shop.pods());
    await shop.apply(web('v2'));
    await shop.standsAt(50);
    await shop.apply(web('v1'));
    await staysWith(shop, before);
    expect((await shop.canary()).status?.history).toMatchObject([{ outcome: 'Reverted' }]);
  });

  it('after a failure restarts no pod, and takes the failure away', async () => {
    const shop = await world.openShop('revert-late', {
      annotations: { ...QUICK, 'kanari.dev/progress-deadline': '3s' },
    });
    await shop.opens();
    const before = uidsOf(await shop.pods());
    await shop.apply(web('v2-neverready'));
    await shop.reaches('Failed');
    await shop.apply(web('v1'));
    await staysWith(shop, before);
  });
});

const route: KubeObject & { spec: object } = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web' },
  spec: { hosts: ['web'], http: [{ route: [{ destination: { host: 'web' } }] }] },
};

describe.concurrent('a run that loses its ground', () => {
  it('takes its canary with it and gives the routes back when the Deployment is deleted', async () => {
    const shop = await world.openShop('deleted', { annotations: SLOW });
    await shop.apply(route);
    await shop.opens();
    const before = (await shop.get<typeof route>('virtualservices', 'web')).spec;
    await shop.apply(web('v2'));
    await shop.standsAt(50);
    const weights = () =>
      shop.get<typeof route>('virtualservices', 'web').then(({ spec }) => JSON.stringify(spec));
    await eventually(async () => expect(await weights()).toContain('"weight":50'));

    await shop.kubectl(['delete', 'deployment/web']);
    await isGone(shop, 'web-canary');
    await eventually(async () => {
      const { metadata, spec } = await shop.get<typeof route>('virtualservices', 'web');
      expect(JSON.stringify(spec)).toBe(JSON.stringify(before));
      expect(annotationsOf({ metadata })).not.toHaveProperty(['kanari.dev/split']);
      expect(await shop.list('destinationrules')).toEqual([]);
      expect(await shop.list('canaries')).toEqual([]);
    });
  });

  it('follows a Deployment that was deleted and made anew', async () => {
    const shop = await world.openShop('made-anew', { annotations: SLOW });
    await shop.opens();
    await shop.apply(web('v2'));
    await shop.standsAt(50);
    await shop.kubectl(['delete', 'deployment/web']);
    await shop.apply([webService, web('v2')]);
    await shop.settles();
    await isGone(shop, 'web-canary');
    const { status } = await shop.reaches('Initialized');
    expect(status?.history).toEqual([]);
    await shop.apply(web('v3'));
    await shop.standsAt(50);
  });

  it('gives way to a Deployment made anew over its pods, which the deletion has orphaned', async () => {
    const shop = await world.openShop('orphaned', { annotations: SLOW });
    // Go writes an ampersand otherwise than JavaScript: it must not matter to what Kanari keeps of the template.
    const withCommand = (tag: string): Deployment => {
      const manifest = web(tag);
      for (const container of manifest.spec.template.spec.containers ?? []) container['args'] = ['a && b'];
      return manifest;
    };
    await shop.opens(withCommand('v1'));
    const before = uidsOf(await shop.pods());
    await shop.apply(withCommand('v2'));
    await shop.standsAt(50);
    await shop.kubectl(['delete', 'deployment/web', '--cascade=orphan', '--timeout=180s']);
    await isGone(shop, 'web-canary');
    expect((await shop.list('pods')).map(({ metadata }) => metadata.uid)).toEqual(
      expect.arrayContaining(before),
    );

    await hearsOfOrphans(shop);
    await shop.apply(withCommand('v2'));
    const { metadata, spec } = await shop.deployment();
    expect(spec.paused).toBe(true);
    // The Canary of before may still be there for a moment, its weight too.
    await eventually(async () => {
      const [owned, ...others] = await shop.list<Canary>('canaries');
      expect(others).toEqual([]);
      expect(owned?.metadata.ownerReferences).toMatchObject([{ uid: metadata.uid }]);
      expect(owned?.status?.canaryWeight).toBe(50);
    });
    expect(uidsOf(await shop.pods())).toEqual(before);
  });

  it('is finished by its own rules when the namespace is opted out; the next change goes out natively', async () => {
    const shop = await world.openShop('opted-out', { annotations: SLOW });
    await shop.opens();
    await shop.apply(web('v2'));
    await shop.standsAt(50);
    await world.lab.kubectl(['label', 'namespace', shop.namespace, 'kanari.dev/rollouts-']);
    await shop.goesOn();
    await shop.reaches('Succeeded');
    await shop.settles();
    await isGone(shop, 'web-canary');
    await eventually(async () => {
      const { stdout, stderr } = await shop.apply(web('v3'), '--dry-run=server', '-o', 'json');
      expect(stderr).toBe('');
      expect((JSON.parse(stdout) as Deployment).spec.paused ?? false).toBe(false);
    });
    await shop.apply(web('v3'));
    await shop.settles();
    expect((await shop.canary()).status?.history).toHaveLength(1);
  });
});
