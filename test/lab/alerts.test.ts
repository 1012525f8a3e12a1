import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { AlertMessage } from '../../src/core/alert.ts';
import type { StringMap } from '../../src/core/objects.ts';
import { openReceiver, type Receiver, type Script } from '../outbound/receiver.ts';
import { eventually, QUICK, type Shop, SLOW, startWorld, type World, web } from './shop.ts';

// Alerts of real runs, sent by a real Kanari to real receivers.

const TYPES = ['slack', 'teams', 'discord', 'googlechat', 'generic'] as const;

interface Request {
  /** `/` and the name of the provider. */
  path: string;
  body: string;
  /** What it was answered; undefined: nothing yet. */
  status: number | undefined;
}

let world: World;
let dir: string;
let receiver: Receiver;
const received: Request[] = [];
/** By path, what is answered in turn; then 200. `hang` is never answered. */
const scripts = new Map<string, (number | 'hang')[]>();

const answer: Script = ({ path, body }, response) => {
  const next = scripts.get(path)?.shift() ?? 200;
  received.push({ path, body, status: next === 'hang' ? undefined : next });
  if (next !== 'hang') response.writeHead(next).end();
};

/** The operator allows one address; the secret of one provider is in a file, and another is at an address beside it. */
const integrationsFile = async ({ port }: Receiver): Promise<string> => {
  const urlFile = join(dir, 'slack-url');
  await writeFile(urlFile, `http://127.0.0.1:${port}/slack\n`);
  const generic = (name: string, host = '127.0.0.1') => ({
    ...{ name, type: 'generic', url: `http://${host}:${port}/${name}` },
  });
  const file = join(dir, 'integrations.yaml');
  const content = {
    alertProviders: [
      ...TYPES.map((type) => ({
        ...{ name: type, type },
        ...(type === 'slack' ? { urlFile } : { url: `http://127.0.0.1:${port}/${type}` }),
      })),
      ...['flaky', 'lasting'].map((name) => generic(name)),
      generic('outside', '127.0.0.2'),
    ],
    outbound: { allow: ['127.0.0.1'] },
    linkTemplate: 'https://dashboard.example/{{ namespace }}/{{ name }}',
  };
  await writeFile(file, JSON.stringify(content));
  return file;
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kanari-alerts-'));
  receiver = await openReceiver(answer);
  world = await startWorld({ integrations: await integrationsFile(receiver) });
}, FIRST_START_MS);

afterAll(async () => {
  await world?.stop();
  await receiver?.close();
  await rm(dir, { recursive: true, force: true });
});

/** v1 serves, and the providers are told of what follows. */
const opened = async (
  namespace: string,
  providers: readonly string[],
  pace: StringMap = QUICK,
): Promise<Shop> => {
  const shop = await world.openShop(namespace, {
    annotations: { ...pace, 'kanari.dev/policy': 'told', 'kanari.dev/threshold': '1' },
  });
  const alerts = providers.map((provider) => ({ name: `to-${provider}`, provider }));
  const policy = {
    apiVersion: 'kanari.dev/v1alpha1',
    kind: 'CanaryPolicy',
    metadata: { name: 'told' },
    spec: { alerts },
  };
  await shop.apply(policy);
  await shop.opens();
  return shop;
};

const requestsOf = ({ namespace }: Shop, provider: string): Request[] =>
  received.filter(({ path, body }) => path === `/${provider}` && body.includes(`${namespace}/web`));

const messagesOf = (shop: Shop, provider = 'generic') =>
  requestsOf(shop, provider).map(({ body }) => JSON.parse(body) as AlertMessage & { link: string });

/** Sorted, for what is sent of two moments goes its own way each. */
const momentsOf = (shop: Shop, provider?: string): string[] =>
  messagesOf(shop, provider)
    .map(({ moment }) => moment)
    .toSorted();

const messageOf = (shop: Shop, moment: string) => messagesOf(shop).find((each) => each.moment === moment);

const warnings = async (shop: Shop): Promise<string[]> =>
  (await shop.events())
    .filter(({ type, involvedObject }) => type === 'Warning' && involvedObject.kind === 'Canary')
    .map(({ message }) => message);

describe.concurrent('a run', () => {
  it('that is promoted is told to every kind of provider, in its own form', async () => {
    const shop = await opened('promoted', TYPES);
    await shop.apply(web('v2'));
    await shop.reaches('Succeeded');
    await eventually(() => expect(momentsOf(shop)).toEqual(['Promoted', 'Started']));
    expect(messageOf(shop, 'Promoted')).toMatchObject({
      severity: 'info',
      title: 'promoted/web: promoted',
      link: 'https://dashboard.example/promoted/web',
      fields: expect.arrayContaining([
        { name: 'Images', value: 'web:v2' },
        { name: 'Weight', value: '50 %' },
        { name: 'readiness', value: 'ready, 0 restarts (limit ready, 0 restarts)' },
      ]),
    });
    const shapes = { slack: 'attachments', teams: 'attachments', discord: 'embeds', googlechat: 'cardsV2' };
    for (const [type, shape] of Object.entries(shapes))
      await eventually(() => {
        const bodies = requestsOf(shop, type).map(({ body }) => body);
        expect(bodies.map((body) => body.includes(': promoted')).toSorted()).toEqual([false, true]);
        expect(bodies.map((body) => Object.keys(JSON.parse(body) as object))).toEqual([
          expect.arrayContaining([shape]),
          expect.arrayContaining([shape]),
        ]);
      });
  });

  it('that fails is told as an error, and one that takes over from another as two', async () => {
    const shop = await opened('failed', ['generic'], SLOW);
    await shop.apply(web('v2'));
    await eventually(() => expect(momentsOf(shop)).toEqual(['Started']));
    await shop.apply(web('v3'));
    await eventually(() => expect(momentsOf(shop)).toEqual(['Started', 'Started', 'Superseded']));
    await shop.kubectl(['annotate', 'canary', 'web', 'kanari.dev/command=abort']);
    await shop.reaches('Failed');
    await eventually(() => expect(momentsOf(shop)).toEqual(['Aborted', 'Started', 'Started', 'Superseded']));
    expect(messageOf(shop, 'Aborted')).toMatchObject({ severity: 'error', text: 'aborted by command' });
    expect(new Set(messagesOf(shop).map(({ id }) => id)).size).toBe(4);
  });

  it('that waits for approval is told, and one that is rolled back as an error', async () => {
    const shop = await opened('withdrawn', ['generic'], { ...QUICK, 'kanari.dev/approve': 'start' });
    await shop.apply(web('v2-crash'));
    await eventually(() => expect(momentsOf(shop)).toEqual(['Started', 'WaitingForApproval']));
    expect(messageOf(shop, 'WaitingForApproval')?.text).toContain('kanari.dev/command=approve');
    await shop.kubectl(['annotate', 'canary', 'web', 'kanari.dev/command=approve']);
    await shop.reaches('Failed');
    await eventually(() => expect(momentsOf(shop)).toEqual(['RolledBack', 'Started', 'WaitingForApproval']));
    expect(messageOf(shop, 'RolledBack')).toMatchObject({
      severity: 'error',
      title: 'withdrawn/web: rolled back',
      text: expect.stringContaining('keeps crashing') as string,
    });
  });

  it('is told again to a provider that was in trouble', async () => {
    // Three tries of the first message, which is not worth more, and of the last one until it is taken.
    scripts.set('/flaky', [503, 503, 503, 502, 503, 429]);
    const shop = await opened('flaky', ['flaky'], SLOW);
    await shop.apply(web('v2'));
    await eventually(() => expect(requestsOf(shop, 'flaky')).toHaveLength(3));
    await shop.goesOn();
    await shop.reaches('Succeeded');
    await eventually(() =>
      expect(
        requestsOf(shop, 'flaky')
          .map(({ status }) => status)
          .slice(3),
      ).toContain(200),
    );
    const moments = messagesOf(shop, 'flaky').map(({ moment }) => moment);
    expect(moments.slice(3)).toEqual(['Promoted', 'Promoted', 'Promoted', 'Promoted']);
    await eventually(async () =>
      expect((await shop.canary()).status?.run?.calls).toMatchObject([{ state: 'succeeded', attempt: 2 }]),
    );
  });

  it('that can not be told says so in Events, with what would allow it, and ends all the same', async () => {
    const shop = await opened('outside', ['outside', 'nobody']);
    await shop.apply(web('v2'));
    await shop.reaches('Succeeded');
    await eventually(async () => {
      const told = (await warnings(shop)).filter((words) => words.includes('provider'));
      expect(told.toSorted()).toEqual([
        'Alert provider outside was not told that the run of web:v2 ended Promoted: 127.0.0.2 is a loopback ' +
          `address, which is not called: it would take "127.0.0.2" in outbound.allow of Kanari's integrations file`,
        expect.stringMatching(
          /^Alert to-nobody names provider nobody, which Kanari does not know; known: slack, /,
        ),
      ]);
    });
    expect(requestsOf(shop, 'outside')).toEqual([]);
    expect(
      await world.counter('kanari_outbound_requests_total', 'kind="alert",outcome="refused"'),
    ).toBeGreaterThan(0);
  });
});

describe('Kanari killed before the last message is taken', () => {
  it('delivers it once when it is back', async () => {
    scripts.set('/lasting', [200, 'hang']);
    const shop = await opened('killed', ['lasting'], SLOW);
    await shop.apply(web('v2'));
    await eventually(() => expect(momentsOf(shop, 'lasting')).toEqual(['Started']));
    await shop.goesOn();
    await eventually(() => expect(momentsOf(shop, 'lasting')).toEqual(['Promoted', 'Started']));
    await world.kanari.kill();
    await world.kanari.start();
    await eventually(async () =>
      expect((await shop.canary()).status?.run?.calls).toMatchObject([{ state: 'succeeded' }]),
    );
    const last = requestsOf(shop, 'lasting').slice(1);
    expect(last.map(({ status }) => status)).toEqual([undefined, 200]);
    expect(new Set(last.map(({ body }) => (JSON.parse(body) as AlertMessage).id)).size).toBe(1);
  });
});
