import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AlertMessage } from '../../src/core/alert.ts';
import { type AlertProvider, createAlertSender } from '../../src/outbound/alert-sender.ts';
import { createGuardedPost } from '../../src/outbound/guarded-post.ts';
import { type Script, startReceiver } from './receiver.ts';

const MESSAGE: AlertMessage = {
  id: 'i',
  severity: 'info',
  moment: 'Started',
  namespace: 'shop',
  name: 'web',
  title: 'shop/web: canary started',
  text: 't',
  fields: [],
};

/** Sends one message; the waits between tries take no time, and are given back. */
const send = async (
  provider: Partial<AlertProvider>,
  { allow = ['127.0.0.1'], linkTemplate }: { allow?: string[]; linkTemplate?: string } = {},
) => {
  const waits: number[] = [];
  const sender = createAlertSender({
    providers: [{ name: 'chat', type: 'generic', ...provider }],
    linkTemplate,
    post: createGuardedPost({ allow, apiServer: () => [] }),
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
  });
  const request = { kind: 'alert', provider: 'chat', message: MESSAGE } as const;
  const outcome = await sender(request, new AbortController().signal);
  return { outcome, waits };
};

/** Answers with each status in turn, the last one again and again. */
const answering = (statuses: number[], headers: Record<string, string> = {}): Script => {
  let answered = 0;
  return (_, response) => {
    const status = statuses[Math.min(answered++, statuses.length - 1)] ?? 200;
    response.writeHead(status, headers).end(status < 300 ? '' : 'invalid_token');
  };
};

describe('an alert', () => {
  it('is posted as JSON with its link', async () => {
    const { url, received } = await startReceiver();
    const linkTemplate = 'https://g.example/?ns={{ namespace }}&name={{name}}';
    const { outcome } = await send({ url: `${url}/T1` }, { linkTemplate });
    expect(outcome).toEqual({ ok: true, message: 'HTTP 200' });
    expect(received).toMatchObject([
      { path: '/T1', headers: { 'content-type': 'application/json', 'user-agent': 'kanari' } },
    ]);
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      ...MESSAGE,
      link: 'https://g.example/?ns=shop&name=web',
    });
  });

  it.each<
    [what: string, statuses: number[], headers: Record<string, string>, waits: number[], outcome: object]
  >([
    ['is tried again while the server is in trouble', [503, 500, 200], {}, [500, 1_000], { ok: true }],
    ['waits as long as it is asked to', [429, 200], { 'retry-after': '2' }, [2_000], { ok: true }],
    ['does not wait for minutes', [429], { 'retry-after': '120' }, [], { ok: false }],
    ['is tried three times', [502], {}, [500, 1_000], { ok: false, message: 'HTTP 502: invalid_token' }],
    [
      'takes a no for an answer',
      [404],
      {},
      [],
      { ok: false, final: true, message: 'HTTP 404: invalid_token' },
    ],
    ['follows nobody elsewhere', [302], {}, [], { ok: false, final: true }],
  ])('%s', async (_, statuses, headers, waits, outcome) => {
    const { url } = await startReceiver(answering(statuses, headers));
    const sent = await send({ url });
    expect(sent.waits).toEqual(waits);
    expect(sent.outcome).toMatchObject(outcome);
    if (!('final' in outcome)) expect(sent.outcome).not.toHaveProperty('final');
  });

  it('goes to no address that is not allowed', async () => {
    const { url, received } = await startReceiver();
    const { outcome } = await send({ url }, { allow: ['*.example'] });
    expect(outcome).toMatchObject({ ok: false, final: true });
    expect(outcome.message).toContain('it would take "127.0.0.1" in outbound.allow');
    expect(received).toEqual([]);
  });

  it('is sent to the address that its file has at the time', async () => {
    const [first, second] = [await startReceiver(), await startReceiver()];
    const directory = await mkdtemp(join(tmpdir(), 'kanari-alerts-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const urlFile = join(directory, 'url');
    expect((await send({ urlFile })).outcome).toEqual({
      ok: false,
      message: `its address can not be read from ${urlFile} (ENOENT)`,
    });
    for (const { url } of [first, second]) {
      await writeFile(urlFile, `${url}/secret\n`);
      expect((await send({ urlFile })).outcome).toMatchObject({ ok: true });
    }
    expect([first, second].map(({ received }) => received.map(({ path }) => path))).toEqual([
      ['/secret'],
      ['/secret'],
    ]);
  });

  it('keeps the secret of its address in every outcome', async () => {
    const { url } = await startReceiver(answering([500]));
    const urls = [
      `${url}/s3cret`,
      'http://127.0.0.1:1/s3cret',
      'http://10.1.1.1/s3cret',
      's3cret',
      'ftp://h/s3cret',
    ];
    for (const each of urls) {
      const { outcome } = await send({ url: each });
      expect(outcome.ok).toBe(false);
      expect(outcome.message).not.toContain('s3cret');
    }
  });

  it('shows no answer that repeats its address', async () => {
    const { url } = await startReceiver(({ path }, response) => {
      response.writeHead(404).end(`Cannot POST ${path}`);
    });
    for (const secret of ['/services/s3cret', '/hook?key=s3cret']) {
      const { outcome } = await send({ url: `${url}${secret}` });
      expect(outcome).toEqual({
        ok: false,
        final: true,
        message: 'HTTP 404, with its address in the answer, which is not shown',
      });
    }
  });

  it('for a provider that is not configured any more is not sent', async () => {
    expect((await send({ name: 'other' })).outcome).toEqual({
      ok: false,
      final: true,
      message: 'alert provider chat is not configured',
    });
  });
});
