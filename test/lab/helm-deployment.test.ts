import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHelm, type Helm, writeChart } from '../../lab/helm.ts';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { annotationsOf, type Deployment } from '../../src/core/objects.ts';
import {
  eventually,
  imageOf,
  type Shop,
  SLOW,
  startWorld,
  uidsOf,
  type World,
  web,
  webService,
} from './shop.ts';

// Helm releases a Deployment that becomes a canary, and takes it back.

let world: World;
let helm: Helm;
beforeAll(async () => {
  world = await startWorld();
  helm = await createHelm(world.lab);
}, FIRST_START_MS);
afterAll(() => world?.stop());

const stateOf = (deployment: Deployment): object => ({
  generation: deployment.metadata.generation,
  annotations: annotationsOf(deployment),
  spec: deployment.spec,
});

it.each(['true', 'false'])(
  'helm upgrade (--server-side=%s) starts a canary, changes nothing when repeated, and helm rollback withdraws it',
  async (serverSide) => {
    const namespace = `helm-${serverSide}`;
    const shop: Shop = await world.openShop(namespace, { annotations: SLOW });
    const chart = join(world.lab.dir, 'chart');
    await writeChart(chart, [web('{{ .Values.tag }}'), webService]);
    const release = (verb: string, tag: string) =>
      helm([verb, 'web', chart, '-n', namespace, `--server-side=${serverSide}`, '--set', `tag=${tag}`]);
    await release('install', 'v1');
    await shop.settles();
    const pods = uidsOf(await shop.pods());

    await release('upgrade', 'v2');
    await shop.standsAt(50);
    const held = await shop.deployment();
    expect(held.spec.paused).toBe(true);
    expect(imageOf(held)).toBe('web:v2');
    expect(uidsOf(await shop.pods())).toEqual(pods);

    await release('upgrade', 'v2');
    expect(stateOf(await shop.deployment())).toEqual(stateOf(held));
    expect((await shop.canary()).status?.canaryWeight).toBe(50);

    await helm(['rollback', 'web', '1', '-n', namespace]);
    await eventually(async () => expect((await shop.deployment()).spec.paused ?? false).toBe(false));
    await eventually(async () =>
      expect((await shop.canary()).status?.history.map(({ outcome }) => outcome)).toEqual(['Reverted']),
    );
    const reverted = await shop.deployment();
    expect(imageOf(reverted)).toBe('web:v1');
    expect(uidsOf(await shop.pods())).toEqual(pods);
    await eventually(async () => expect(await shop.list('deployments')).toHaveLength(1));
  },
);
