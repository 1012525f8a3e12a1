import { describe, expect, test } from 'vitest';
import { systemTiming } from '../../src/kube/timing.ts';
import { createGuardedPost, type PostOutcome } from '../../src/outbound/guarded-post.ts';
import { createWebhookSender } from '../../src/outbound/webhook-sender.ts';
import { PATIENCE } from '../eventually.ts';
import { startReceiver } from './receiver.ts';

const signal = new AbortController().signal;

const request = (changes: { url?: string; retries?: number; timeoutMs?: number } = {}) => ({
  kind: 'webhook' as const,
  url: 'http://hooks.shop/load',
  timeoutMs: PATIENCE.timeout,
  retries: 0,
  body: { name: 'web' },
  ...changes,
});

const answer = (status: number, body = ''): PostOutcome => ({ kind: 'answer', status, body });
const SILENT: PostOutcome = { kind: 'unreachable', message: 'no answer within 1s' };

/** A sender whose tries end as told, in order. */
const scripted = (outcomes: PostOutcome[]) => {
  const waits: number[] = [];
  const left = [...outcomes];
  const send = createWebhookSender({
    post: () => Promise.resolve(left.shift() ?? SILENT),
    sleep: async (ms) => void waits.push(ms),
  });
  return { send, waits, left };
};

describe('a webhook', () => {
  test.each<[string, PostOutcome, { ok: boolean; message: string }]>([
    ['that answers 200', answer(200, 'whatever'), { ok: true, message: 'HTTP 200' }],
    ['that answers 202', answer(202), { ok: true, message: 'HTTP 202' }],
    ['that answers 204', answer(204), { ok: false, message: 'HTTP 204' }],
    ['that refuses', answer(403, 'closed'), { ok: false, message: 'HTTP 403: closed' }],
    [
      'that refuses at length, in several lines',
      answer(403, `a\u0000\r\n\tb${'x'.repeat(300)}`),
      { ok: false, message: `HTTP 403: a b${'x'.repeat(197)}…` },
    ],
    ['that is silent', SILENT, { ok: false, message: 'no answer within 1s' }],
    [
      'that may not be called',
      { kind: 'refused', message: 'not allowed' },
      { ok: false, message: 'not allowed' },
    ],
  ])('%s', async (_, outcome, expected) => {
    expect(await scripted([outcome]).send(request(), signal)).toEqual(expected);
  });

  test.each<[string, PostOutcome]>([
    ['is silent', SILENT],
    ['is broken', answer(500)],
    ['is overloaded', answer(429)],
  ])('that %s is tried again, after longer and longer waits', async (_, outcome) => {
    const { send, waits } = scripted([outcome, outcome, outcome, outcome, outcome, answer(200)]);
    expect(await send(request({ retries: 10 }), signal)).toEqual({ ok: true, message: 'HTTP 200' });
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000]);
  });

  test.each<[string, PostOutcome]>([
    ['says no', answer(403)],
    ['knows no such address', answer(404)],
    ['cannot do that', answer(501)],
    ['may not be called', { kind: 'refused', message: 'not allowed' }],
  ])('that %s is not tried again', async (_, outcome) => {
    const { send, left } = scripted([outcome, answer(200)]);
    expect(await send(request({ retries: 3 }), signal)).toMatchObject({ ok: false });
    expect(left).toHaveLength(1);
  });

  test('is tried no more often than it says', async () => {
    const { send, left } = scripted([answer(500), answer(502), answer(503), answer(200)]);
    expect(await send(request({ retries: 2 }), signal)).toEqual({ ok: false, message: 'HTTP 503' });
    expect(left).toHaveLength(1);
  });

  test('gets JSON by POST', async () => {
    const { url, received } = await startReceiver();
    const post = createGuardedPost({ allow: ['127.0.0.1'], apiServer: () => [] });
    const send = createWebhookSender({ post, sleep: systemTiming.sleep });
    expect(await send(request({ url: `${url}/load` }), signal)).toEqual({ ok: true, message: 'HTTP 200' });
    expect(received).toMatchObject([
      { path: '/load', headers: { 'content-type': 'application/json' }, body: '{"name":"web"}' },
    ]);
  });
});
