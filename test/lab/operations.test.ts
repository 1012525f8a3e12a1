import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBinaries } from '../../lab/binaries.ts';
import { type CommandResult, runCommand } from '../../lab/command.ts';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { annotationsOf, type Deployment, type KubeObject, type Pod } from '../../src/core/objects.ts';
import { MANIFESTS } from '../manifests/manifest-files.ts';
import { documentedCommands } from './documented-commands.ts';
import {
  eventually,
  QUICK,
  type Shop,
  SLOW,
  startWorld,
  uidsOf,
  type World,
  web,
  webService,
} from './shop.ts';

// docs/operations.md, typed as it stands there: every command of its emergency and uninstall sections.

const page = documentedCommands(join(import.meta.dirname, '..', '..', 'docs', 'operations.md'), {
  from: 'In an emergency',
  before: 'Certificates',
});

interface Terminal {
  /** Runs the commands under a heading in bash, `shop` being the given namespace. Rejects when one fails. */
  type(heading: string, namespace: string): Promise<CommandResult>;
  close(): Promise<void>;
}

/** The folder has what the page's reader has at hand: their manifests, and Kanari's. */
const openTerminal = async ({ lab }: World): Promise<Terminal> => {
  const dir = await mkdtemp(join(tmpdir(), 'kanari-operations-'));
  await symlink(MANIFESTS, join(dir, 'manifests'));
  await writeFile(join(dir, 'route.yaml'), JSON.stringify(route));
  const { kubectl } = await ensureBinaries(['kubectl']);
  const env = {
    ...process.env,
    PATH: `${dirname(kubectl)}:${process.env['PATH'] ?? ''}`,
    KUBECONFIG: lab.kubeconfig,
    KUBECACHEDIR: join(lab.dir, 'kubectl-cache'),
  };
  const type: Terminal['type'] = async (heading, namespace) => {
    const script = page
      .under(heading)
      .join('\n')
      .replaceAll(/\bshop\b/g, namespace);
    const result = await runCommand('bash', ['-euo', 'pipefail', '-c', script], { cwd: dir, env });
    if (result.code !== 0) throw new Error(`${heading}:\n${script}\n${result.stderr}${result.stdout}`);
    return result;
  };
  return { type, close: () => rm(dir, { recursive: true, force: true }) };
};

const route: KubeObject & { spec: object } = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web' },
  spec: { hosts: ['web'], http: [{ route: [{ destination: { host: 'web' } }] }] },
};

let world: World;
let terminal: Terminal;
const enter = async (): Promise<void> => {
  world = await startWorld();
  terminal = await openTerminal(world);
};
const leave = async (): Promise<void> => {
  await terminal?.close();
  await world?.stop();
};

const splitRoute = (shop: Shop) => shop.get<typeof route>('virtualservices', 'web');
type RunningPod = Pod & { spec: { containers: { image: string }[] } };

const isRunning = async (shop: Shop, tag: string): Promise<void> => {
  await shop.settles();
  const images = ((await shop.pods()) as RunningPod[]).map(({ spec }) => spec.containers[0]?.image);
  expect(images).toEqual([`web:${tag}`, `web:${tag}`]);
};
const hasNoHold = async (shop: Shop): Promise<void> => {
  const { metadata, spec } = await shop.deployment();
  expect(spec.paused ?? false).toBe(false);
  expect(Object.keys(annotationsOf({ metadata }))).not.toContain('kanari.dev/run');
  expect(Object.keys(annotationsOf({ metadata }))).not.toContain('kanari.dev/held-by');
};
const isWithdrawn = async (shop: Shop): Promise<void> => {
  await eventually(async () => {
    const { metadata, spec } = await splitRoute(shop);
    expect(spec).toEqual(route.spec);
    expect(Object.keys(annotationsOf({ metadata }))).not.toContain('kanari.dev/split');
  });
  await eventually(async () => expect(await shop.list('destinationrules')).toEqual([]));
  await eventually(() => expect(shop.deployment('web-canary')).rejects.toThrow('NotFound'));
};

/** A run at 50 %: the canary's pods are there, and the route is split. */
const openRun = async (namespace: string): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations: SLOW });
  await shop.apply(route);
  await shop.opens();
  await shop.apply(web('v2'));
  await eventually(async () =>
    expect(JSON.stringify((await splitRoute(shop)).spec)).toContain('"weight":50'),
  );
  return shop;
};

const openFailed = async (namespace: string): Promise<Shop> => {
  const shop = await world.openShop(namespace, {
    annotations: { ...QUICK, 'kanari.dev/progress-deadline': '3s' },
  });
  await shop.apply(route);
  await shop.opens();
  await shop.apply(web('v2-neverready'));
  await shop.reaches('Failed');
  return shop;
};

describe('in an emergency, while Kanari runs', () => {
  beforeAll(enter, FIRST_START_MS);
  afterAll(leave);

  it.concurrent('all that Kanari has a hand in can be listed', async () => {
    const shop = await openRun('listed');
    const run = annotationsOf(await shop.deployment())['kanari.dev/run'] ?? '';
    const { stdout } = await terminal.type('See what Kanari has a hand in', shop.namespace);
    expect(stdout).toMatch(/^listed +web +Progressing +50 /m);
    expect(stdout).toMatch(new RegExp(`^listed +web +true +${run}$`, 'm'));
    expect(stdout).toMatch(/^listed +VirtualService +web +\{"web":/m);
    expect(stdout).toMatch(/^listed +DestinationRule +web-kanari +\{"web":/m);
  });

  it.concurrent('a run is ended, and all of it is put back', async () => {
    const shop = await openRun('ended');
    const before = uidsOf(await shop.pods());
    await terminal.type('End a run', shop.namespace);
    await isWithdrawn(shop);
    expect((await shop.canary()).status).toMatchObject({ phase: 'Failed', canaryWeight: 0 });
    expect(uidsOf(await shop.pods())).toEqual(before);
  });

  it.concurrent('a held Deployment is released, and its run withdrawn', async () => {
    const shop = await openRun('released');
    const { stderr } = await terminal.type('Release a held Deployment while Kanari runs', shop.namespace);
    expect(stderr).toContain('web is released without a canary');
    await isRunning(shop, 'v2');
    await hasNoHold(shop);
    await isWithdrawn(shop);
  });

  it.concurrent('a namespace is not gated any more from the next change on; what is held stays held', async () => {
    const shop = await openRun('ungated-namespace');
    await shop.apply({ ...web('v1'), metadata: { name: 'other' } });
    await terminal.type('Stop gating a namespace', shop.namespace);
    await eventually(async () => {
      const changed = JSON.stringify({ ...web('v2'), metadata: { name: 'other' } });
      const dry = await shop.kubectl(['apply', '--dry-run=server', '-o', 'json', '-f', '-'], {
        stdin: changed,
      });
      expect((JSON.parse(dry.stdout) as Deployment).spec.paused).toBeUndefined();
    });
    expect((await shop.deployment()).spec.paused).toBe(true);
  });

  it.concurrent('a Deployment is taken out of its hands: the next change goes out natively', async () => {
    const shop = await world.openShop('taken-out', { annotations: SLOW });
    await shop.opens();
    await terminal.type("Take one Deployment out of Kanari's hands", shop.namespace);
    const labelled = {
      ...web('v2'),
      metadata: { name: 'web', labels: { 'kanari.dev/rollouts': 'disabled' } },
    };
    const { stderr } = await shop.apply(labelled);
    expect(stderr).toBe('');
    await isRunning(shop, 'v2');
  });

  // Of the whole cluster, so by itself.
  it('runs end as they should although the webhook is gone, which comes back by applying its manifest', async () => {
    const shop = await openRun('no-webhook');
    const before = uidsOf(await shop.pods());
    await terminal.type('Stop gating the cluster', shop.namespace);
    await terminal.type('End a run', shop.namespace);
    await isWithdrawn(shop);
    expect(uidsOf(await shop.pods())).toEqual(before);
    const webhook = join(MANIFESTS, 'base', 'webhook.yaml');
    await world.lab.kubectl(['apply', '-f', webhook]);
    await eventually(async () => {
      const dry = await shop.tryKubectl(['apply', '--dry-run=server', '-o', 'json', '-f', '-'], web('v1'));
      expect(dry.stderr).toContain('nothing restarts');
    });
  });
});

describe('in an emergency, without Kanari', () => {
  let released: Shop;
  let returned: Shop;

  beforeAll(async () => {
    await enter();
    [released, returned] = await Promise.all([openRun('released-by-hand'), openRun('returned-by-hand')]);
    await world.kanari.kill();
  }, FIRST_START_MS);
  afterAll(leave);

  it('opting out is refused on a Deployment, and possible on its namespace', async () => {
    await expect(
      terminal.type("Take one Deployment out of Kanari's hands", released.namespace),
    ).rejects.toThrow('failed calling webhook');
    for (const shop of [released, returned]) await terminal.type('Stop gating a namespace', shop.namespace);
  });

  it('a split route gets its form back by hand', async () => {
    for (const shop of [released, returned]) {
      await terminal.type('Restore a split route', shop.namespace);
      await isWithdrawn(shop);
    }
  });

  it('a held Deployment is released by hand, and only the image that was meant', async () => {
    const release = () => terminal.type('Release a held Deployment without Kanari', released.namespace);
    await released.kubectl(['set', 'image', 'deployment/web', 'web=web:v3']);
    await expect(release()).rejects.toThrow();
    expect((await released.deployment()).spec.paused).toBe(true);
    await released.kubectl(['set', 'image', 'deployment/web', 'web=web:v2']);
    await release();
    await isRunning(released, 'v2');
    await hasNoHold(released);
  });

  it('a held Deployment returns to the running version by hand, and no pod restarts', async () => {
    const before = uidsOf(await returned.pods());
    await terminal.type('Return to the running version without Kanari', returned.namespace);
    await isRunning(returned, 'v1');
    await hasNoHold(returned);
    expect(uidsOf(await returned.pods())).toEqual(before);
  });

  it('Kanari comes back to all this, and the next release is a canary again', async () => {
    await world.kanari.start();
    for (const shop of [released, returned]) {
      await world.lab.kubectl(['label', 'namespace', shop.namespace, 'kanari.dev/rollouts=enabled']);
      // Let out unasked, it would be unchanged for ever after.
      await eventually(async () => {
        const { stderr } = await shop.apply(web('v4'), '--dry-run=server');
        expect(stderr).toContain('canary of web started');
      });
      expect((await shop.apply(web('v4'))).stderr).toContain('canary of web started');
      await eventually(async () =>
        expect(JSON.stringify((await splitRoute(shop)).spec)).toContain('"weight":50'),
      );
    }
  });
});

describe('the uninstallation', () => {
  let running: Shop;
  let failed: Shop;
  let reverted: Shop;
  let pods: Map<Shop, (string | undefined)[]>;

  beforeAll(async () => {
    await enter();
    [failed, reverted, running] = await Promise.all([
      openFailed('failed'),
      openFailed('reverted'),
      openRun('running'),
    ]);
    const shops = [running, failed, reverted];
    pods = new Map(await Promise.all(shops.map(async (shop) => [shop, uidsOf(await shop.pods())] as const)));
  }, FIRST_START_MS);
  afterAll(leave);

  it('opts out every namespace', async () => {
    await terminal.type('1. Opt out every namespace', 'shop');
    const { stdout } = await world.lab.kubectl(['get', 'namespaces', '-l', 'kanari.dev/rollouts=enabled']);
    expect(stdout).toBe('');
  });

  it('waits for the runs to end', async () => {
    await terminal.type('2. Let the runs end', running.namespace);
    expect((await running.canary()).status).toMatchObject({ phase: 'Failed', canaryWeight: 0 });
  });

  it('lists what is held, and releases it: the running version without a restart, or the held one', async () => {
    const list = async () =>
      (await terminal.type('3. Release what is held', 'shop')).stdout.trim().split('\n');
    expect((await list()).map((line) => line.split(/ +/).slice(0, 3))).toEqual([
      ['NAMESPACE', 'NAME', 'IMAGE'],
      ['failed', 'web', 'web:v2-neverready'],
      ['reverted', 'web', 'web:v2-neverready'],
      ['running', 'web', 'web:v2'],
    ]);
    for (const shop of [failed, reverted]) await shop.apply(web('v1'));
    await terminal.type('Release a held Deployment without Kanari', running.namespace);
    await eventually(async () => expect(await list()).toHaveLength(1));
    for (const shop of [failed, reverted]) {
      await isRunning(shop, 'v1');
      expect(uidsOf(await shop.pods())).toEqual(pods.get(shop));
    }
    await isRunning(running, 'v2');
  });

  it('finds nothing split, and no canary', async () => {
    const { stdout } = await terminal.type('4. See that nothing is split', 'shop');
    expect(stdout.trim().split('\n')).toEqual([expect.stringMatching(/^NAMESPACE +KIND +NAME +SPLIT$/)]);
    for (const shop of [running, failed, reverted]) await isWithdrawn(shop);
  });

  it('takes Kanari away with its kinds and rights, and restarts nothing', async () => {
    const before = await running.pods();
    await terminal.type('5. Remove Kanari', 'shop');
    await world.kanari.stop();
    const gone = [
      'crd/canaries.kanari.dev',
      'namespace/kanari-system',
      'clusterrole/kanari',
      'clusterrolebinding/kanari',
    ];
    for (const name of gone) {
      expect((await world.lab.kubectl(['get', name], { allowFailure: true })).stderr).toContain('NotFound');
    }
    await terminal.type('6. Sweep up', 'shop');
    for (const shop of [running, failed, reverted]) {
      expect(Object.keys(annotationsOf(await shop.deployment())).join()).not.toContain('kanari.dev/');
      expect((await shop.kubectl(['get', 'controllerrevisions', '-o', 'name'])).stdout).toBe('');
    }
    expect(uidsOf(await running.pods())).toEqual(uidsOf(before));
  });

  it('leaves Deployments that roll out as ever', async () => {
    await running.apply([webService, web('v3')]);
    await isRunning(running, 'v3');
  });
});

it('no command of the page is left untyped', () => {
  expect(page.unused()).toEqual([]);
});
