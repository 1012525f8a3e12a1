import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { startLoadTester } from '../../lab/load-tester.ts';
import { eventually, type Shop, startWorld, type World, web } from './shop.ts';

// Flagger's own load tester behind Kanari's webhooks, with what Flagger's documentation has for them: its gates, its
// rollback switch, a blocking test and a load that runs beside the check.

let world: World;
let dir: string;
let url: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kanari-load-tester-'));
  const integrations = join(dir, 'integrations.yaml');
  await writeFile(integrations, 'outbound:\n  allow: [127.0.0.1]\n');
  world = await startWorld({ integrations });
  url = await startLoadTester(world.lab);
}, FIRST_START_MS);

afterAll(async () => {
  await world?.stop();
  await rm(dir, { recursive: true, force: true });
});

const release = async (namespace: string, webhooks: object[]): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations: { 'kanari.dev/policy': 'tested' } });
  const policy = {
    apiVersion: 'kanari.dev/v1alpha1',
    kind: 'CanaryPolicy',
    metadata: { name: 'tested' },
    spec: { steps: [50], interval: '5s', webhooks },
  };
  await shop.apply(policy);
  await shop.opens();
  await shop.apply(web('v2'));
  return shop;
};

/** As its documentation tells people to: `curl -d '{"name": "web", "namespace": "shop"}' …/gate/open`. */
const turn = async (path: string, { namespace }: Shop): Promise<void> => {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    body: JSON.stringify({ name: 'web', namespace }),
  });
  expect(response.status).toBe(202);
};

const waits = (shop: Shop, webhook: string): Promise<void> =>
  eventually(async () =>
    expect((await shop.canary()).status).toMatchObject({
      reason: 'WaitingForWebhook',
      message: expect.stringContaining(`webhook ${webhook} (HTTP 403: Forbidden)`),
    }),
  );

describe.concurrent("Flagger's load tester", () => {
  it('holds a run at its gate until somebody opens it, and its tests and its load run', async () => {
    const [healthy, load] = [join(dir, 'healthy'), join(dir, 'load')];
    const shop = await release('gated', [
      { name: 'gate', type: 'confirm-rollout', url: `${url}/gate/check` },
      {
        name: 'acceptance',
        type: 'pre-rollout',
        url: `${url}/`,
        metadata: { type: 'bash', cmd: `test -e ${healthy}` },
      },
      { name: 'load', url: `${url}/`, metadata: { type: 'cmd', cmd: `touch ${load}` } },
      { name: 'switch', type: 'rollback', url: `${url}/rollback/check` },
      { name: 'approval', type: 'confirm-promotion', url: `${url}/gate/approve` },
    ]);
    await waits(shop, 'gate');
    await turn('/gate/open', shop);
    await eventually(async () => {
      const { failedChecks, message } = (await shop.canary()).status ?? {};
      expect(failedChecks).toBeGreaterThan(0);
      expect(message).toContain('pre-rollout check acceptance failed: HTTP 500');
    });
    await writeFile(healthy, '');
    const { status } = await shop.reaches('Succeeded');
    expect(status?.checks).toContainEqual(expect.objectContaining({ metric: 'load', value: 'HTTP 202' }));
    await eventually(() => access(load));
  });

  it('ends a run whose rollback switch is turned', async () => {
    const shop = await release('switched', [
      { name: 'switch', type: 'rollback', url: `${url}/rollback/check` },
      { name: 'halt', type: 'confirm-promotion', url: `${url}/gate/halt` },
    ]);
    await waits(shop, 'halt');
    await turn('/rollback/open', shop);
    const { status } = await shop.reaches('Failed');
    expect(status).toMatchObject({ reason: 'RollbackAsked', message: 'webhook switch asked for a rollback' });
  });
});
