import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { WebhookType } from '../../src/core/webhook.ts';
import type { WebhookPayload } from '../../src/core/webhook-payload.ts';
import { openReceiver, type Receiver, type Script } from '../outbound/receiver.ts';
import { eventually, type Shop, startWorld, type World, web } from './shop.ts';

// Webhooks of every type, called by a real Kanari on real receivers.

interface Request {
  /** `/<namespace>/<name of the webhook>` */
  path: string;
  payload: WebhookPayload;
}

const answers =
  (status: number, body = ''): Script =>
  (_, response) =>
    void response.writeHead(status).end(body);

const OK = answers(200);
const CLOSED = answers(403, 'closed for the weekend');
/** Never. */
const HANGS: Script = () => undefined;

let world: World;
let dir: string;
let receiver: Receiver;
/** By path; others answer 200. */
const scripts = new Map<string, Script>();

beforeAll(async () => {
  receiver = await openReceiver((seen, response) => (scripts.get(seen.path) ?? OK)(seen, response));
  dir = await mkdtemp(join(tmpdir(), 'kanari-webhooks-'));
  const integrations = join(dir, 'integrations.yaml');
  await writeFile(integrations, 'outbound:\n  allow: [127.0.0.1]\n');
  world = await startWorld({ integrations });
}, FIRST_START_MS);

afterAll(async () => {
  await world?.stop();
  await receiver?.close();
  await rm(dir, { recursive: true, force: true });
});

interface Hook {
  name: string;
  type: WebhookType;
  timeout?: string;
  retries?: number;
  metadata?: Record<string, string>;
}

interface Rules {
  steps?: number[];
  threshold?: number;
  hooks: Hook[];
}

const policy = (namespace: string, { steps = [50], threshold = 1, hooks }: Rules) => {
  const webhooks = hooks.map((hook) => ({
    ...hook,
    url: `${receiver.url}/${namespace}/${hook.name}`,
  }));
  return {
    apiVersion: 'kanari.dev/v1alpha1',
    kind: 'CanaryPolicy',
    metadata: { name: 'hooked' },
    spec: { steps, threshold, interval: '5s', webhooks },
  };
};

/** v1 serves under the policy, and v2 is held. */
const release = async (namespace: string, rules: Rules): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations: { 'kanari.dev/policy': 'hooked' } });
  await shop.apply(policy(namespace, rules));
  await shop.opens();
  await shop.apply(web('v2'));
  return shop;
};

const requests = ({ namespace }: Shop): Request[] =>
  receiver.received
    .filter(({ path }) => path.startsWith(`/${namespace}/`))
    .map(({ path, body }) => ({ path, payload: JSON.parse(body) as WebhookPayload }));
/** Names of the webhooks called, in order. */
const called = (shop: Shop, ...names: string[]): string[] =>
  requests(shop)
    .map(({ path }) => path.split('/')[2] ?? '')
    .filter((name) => names.length === 0 || names.includes(name));
const runOf = async (shop: Shop) => (await shop.canary()).status;
/** Events follow what they tell of. */
const tells = (shop: Shop, message: string): Promise<void> =>
  eventually(async () => {
    const told = (await shop.events()).filter(({ involvedObject }) => involvedObject.kind === 'Canary');
    expect(told.map((event) => event.message)).toContain(message);
  });

describe.concurrent('webhooks of a run', () => {
  it('are called in order, once a step, with what Flagger would send', async () => {
    const metadata = { cmd: 'hey -z 1m http://web-canary/', type: 'cmd' };
    scripts.set('/good/panic', answers(403));
    const shop = await release('good', {
      steps: [30, 60],
      hooks: [
        { name: 'smoke', type: 'pre-rollout' },
        { name: 'load', type: 'rollout', metadata },
        { name: 'panic', type: 'rollback' },
        { name: 'notify', type: 'post-rollout' },
        { name: 'log', type: 'event', metadata: { team: 'web' } },
      ],
    });
    const { status } = await shop.reaches('Succeeded');
    expect(called(shop, 'smoke', 'load', 'notify')).toEqual(['smoke', 'load', 'load', 'notify']);
    const payloads = requests(shop).map(({ payload }) => payload);
    expect(new Set(payloads.map(({ name, namespace }) => `${namespace}/${name}`))).toEqual(
      new Set(['good/web']),
    );
    expect(new Set(payloads.map(({ checksum }) => checksum)).size).toBe(1);
    const load = requests(shop).find(({ path }) => path.endsWith('/load'));
    expect(load?.payload).toEqual({
      name: 'web',
      namespace: 'good',
      phase: 'Progressing',
      checksum: expect.stringMatching(/^[0-9a-f]{10}$/),
      metadata,
    });
    expect(requests(shop).find(({ path }) => path.endsWith('/notify'))?.payload.phase).toBe('Succeeded');
    expect(called(shop, 'panic').length).toBeGreaterThan(1);
    expect(status?.checks).toContainEqual(expect.objectContaining({ metric: 'load', value: 'HTTP 200' }));
    await eventually(() => {
      const told = requests(shop).filter(({ path }) => path.endsWith('/log'));
      const words = told.map(({ payload }) => payload.metadata?.['eventMessage'] ?? '');
      expect(words.some((text) => text.startsWith('Promotion completed!'))).toBe(true);
      expect(words.findIndex((text) => text.startsWith('New revision detected!'))).toBe(0);
      expect(told[0]?.payload.metadata).toMatchObject({ team: 'web', eventType: 'Normal' });
    });
  });

  it('are tried again as often as they say, and a slow one fails its check', async () => {
    const down = [answers(503), answers(502)];
    scripts.set('/slow/smoke', (...seen) => (down.shift() ?? OK)(...seen));
    scripts.set('/slow/load', HANGS);
    const shop = await release('slow', {
      hooks: [
        { name: 'smoke', type: 'pre-rollout', retries: 2 },
        { name: 'load', type: 'rollout', timeout: '1s' },
        { name: 'notify', type: 'post-rollout' },
      ],
    });
    const { status } = await shop.reaches('Failed');
    expect(called(shop)).toEqual(['smoke', 'smoke', 'smoke', 'load', 'notify']);
    expect(status?.message).toBe(
      'failed checks threshold reached 1: webhook load failed: no answer within 1s',
    );
    expect(requests(shop).at(-1)?.payload.phase).toBe('Failed');
  });

  it('that refuse before the rollout are called again at the next interval, then end the run', async () => {
    scripts.set('/refused/smoke', CLOSED);
    const shop = await release('refused', {
      threshold: 2,
      hooks: [{ name: 'smoke', type: 'pre-rollout', retries: 3 }],
    });
    const { status } = await shop.reaches('Failed');
    expect(called(shop)).toEqual(['smoke', 'smoke']);
    expect(status?.message).toBe(
      'failed checks threshold reached 2: pre-rollout check smoke failed: HTTP 403: closed for the weekend',
    );
    await tells(
      shop,
      'Halt web advancement pre-rollout check smoke failed: HTTP 403: closed for the weekend',
    );
  });

  it('that ask for a rollback get one, also while another hangs', async () => {
    scripts.set('/panicking/panic', answers(404));
    scripts.set('/panicking/load', HANGS);
    const shop = await release('panicking', {
      hooks: [
        { name: 'load', type: 'rollout', timeout: '10m' },
        { name: 'panic', type: 'rollback' },
      ],
    });
    await eventually(async () => expect((await runOf(shop))?.reason).toBe('WaitingForWebhook'));
    scripts.set('/panicking/panic', OK);
    const { status } = await shop.reaches('Failed');
    expect(status).toMatchObject({ reason: 'RollbackAsked', message: 'webhook panic asked for a rollback' });
  });
});

describe.concurrent('gates', () => {
  const GATES: Hook[] = [
    { name: 'before', type: 'confirm-rollout' },
    { name: 'rise', type: 'confirm-traffic-increase' },
    { name: 'last', type: 'confirm-promotion' },
  ];

  it('stay shut until their webhooks answer 200, and open then', async () => {
    for (const { name } of GATES) scripts.set(`/gated/${name}`, CLOSED);
    const shop = await release('gated', { hooks: GATES });
    const waitsAt = (name: string, phase: string) =>
      eventually(async () => {
        const status = await runOf(shop);
        const message = expect.stringContaining(`webhook ${name} (HTTP 403: closed for the weekend)`);
        expect(status).toMatchObject({ phase, reason: 'WaitingForWebhook', message });
      });
    await waitsAt('before', 'Waiting');
    await expect(shop.deployment('web-canary')).rejects.toThrow('not found');
    scripts.set('/gated/before', OK);
    await waitsAt('rise', 'Waiting');
    scripts.set('/gated/rise', OK);
    await waitsAt('last', 'WaitingPromotion');
    expect((await runOf(shop))?.canaryWeight).toBe(50);
    scripts.set('/gated/last', OK);
    await shop.reaches('Succeeded');
    expect([...new Set(called(shop))]).toEqual(['before', 'rise', 'last']);
    await tells(
      shop,
      'Halt web advancement waiting for promotion approval last (HTTP 403: closed for the weekend)',
    );
  });
});

describe('Kanari killed in the middle of a check', () => {
  it('repeats no webhook that has answered, and asks the others again', async () => {
    scripts.set('/killed/slow', HANGS);
    const shop = await release('killed', {
      steps: [30, 60],
      hooks: [
        { name: 'smoke', type: 'pre-rollout' },
        { name: 'load', type: 'rollout' },
        { name: 'slow', type: 'rollout', timeout: '10m' },
        { name: 'notify', type: 'post-rollout' },
      ],
    });
    await eventually(() => expect(called(shop)).toEqual(['smoke', 'load', 'slow']));
    await world.kanari.kill();
    scripts.set('/killed/slow', OK);
    await world.kanari.start();
    await shop.reaches('Succeeded');
    expect(called(shop)).toEqual(['smoke', 'load', 'slow', 'slow', 'load', 'slow', 'notify']);
  });
});
