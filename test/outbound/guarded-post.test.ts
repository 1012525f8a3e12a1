import type { LookupAddress } from 'node:dns';
import { getEventListeners } from 'node:events';
import type { LookupFunction, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createGuardedPost, type PostOptions } from '../../src/outbound/guarded-post.ts';
import { PATIENCE } from '../eventually.ts';
import { startReceiver, startSocketServer } from './receiver.ts';

const post = (
  url: string,
  { allow, lookup, ...options }: Partial<PostOptions> & { allow?: string[]; lookup?: LookupFunction } = {},
) =>
  createGuardedPost({
    allow: allow ?? ['*', '127.0.0.1'],
    apiServer: () => [],
    ...(lookup === undefined ? {} : { lookup }),
  })(url, { body: '{"a":1}', timeoutMs: PATIENCE.timeout, signal: new AbortController().signal, ...options });

/** A resolver that gives these, in turn, for any name. */
const resolving = (...answers: string[][]): LookupFunction => {
  let asked = 0;
  return (_, __, callback) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
    callback(
      null,
      addresses.map((address): LookupAddress => ({ address, family: 4 })),
    );
  };
};

describe('a guarded post', () => {
  it('gives status and body of the answer', async () => {
    const { url, received } = await startReceiver((_, response) => {
      response.writeHead(429, { 'retry-after': '2' }).end('busy');
    });
    const outcome = await post(`${url}/hook?x=1`, { headers: { 'content-type': 'application/json' } });
    expect(outcome).toEqual({ kind: 'answer', status: 429, body: 'busy', retryAfter: '2' });
    expect(received).toMatchObject([
      { path: '/hook?x=1', body: '{"a":1}', headers: { 'content-type': 'application/json' } },
    ]);
  });

  it('does not follow a redirect, and says so', async () => {
    const elsewhere = await startReceiver();
    const { url } = await startReceiver((_, response) => {
      response.writeHead(307, { location: `${elsewhere.url}/secret` }).end();
    });
    expect(await post(url)).toEqual({
      kind: 'refused',
      message: `HTTP 307: a redirect to 127.0.0.1:${elsewhere.port}, which is not followed`,
    });
    expect(elsewhere.received).toEqual([]);
  });

  it('reads no more of a body than it may', async () => {
    const { url } = await startReceiver((_, response) => void response.end('x'.repeat(3_000_000)));
    expect(await post(url)).toEqual({ kind: 'answer', status: 200, body: 'x'.repeat(1_048_576) });
    expect(await post(url, { maxBytes: 10 })).toEqual({ kind: 'answer', status: 200, body: 'xxxxxxxxxx' });
  });

  it('has read enough of a body that never ends', async () => {
    const { url } = await startReceiver((_, response) => {
      response.on('drain', () => response.write('x'.repeat(100_000)));
      response.write('x'.repeat(100_000));
    });
    expect(await post(url)).toMatchObject({ kind: 'answer', status: 200 });
  });

  it('does not unpack a body', async () => {
    const { url } = await startReceiver((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(10_000_000)));
    });
    expect(await post(url)).toEqual({ kind: 'answer', status: 200, body: '' });
  });

  it.each([
    ['never answers', () => {}],
    [
      'stops in the middle of a body',
      (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'),
    ],
    [
      'trickles',
      (socket: Socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const drip = setInterval(() => (socket.destroyed ? clearInterval(drip) : socket.write('.')), 20);
      },
    ],
  ])('gives up a server that %s', async (_, script) => {
    const { url } = await startSocketServer(script);
    const controller = new AbortController();
    const outcome = await post(url, { timeoutMs: 200, signal: controller.signal });
    expect(outcome).toEqual({ kind: 'unreachable', message: 'no answer within 200ms' });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it.each([
    ['closes its half at once', 'ECONNRESET', (socket: Socket) => socket.end()],
    [
      'closes in the middle of a body',
      'ECONNRESET',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'),
    ],
    [
      'speaks something else',
      'HPE_INVALID_CONSTANT',
      (socket: Socket) => socket.end('220 mail.test ESMTP\r\n'),
    ],
  ])('says of a server that %s how it ended', async (_, code, script) => {
    const { url } = await startSocketServer(script);
    const message = `no answer from ${new URL(url).host} (${code})`;
    expect(await post(url)).toEqual({ kind: 'unreachable', message });
  });

  it('says that nobody listens', async () => {
    expect(await post('http://127.0.0.1:1/secret')).toEqual({
      kind: 'unreachable',
      message: 'no answer from 127.0.0.1:1 (ECONNREFUSED)',
    });
  });

  it.each(['', 'gate.shop', 'ftp://gate.shop/', 'file:///etc/passwd', 'unix:/run/docker.sock'])(
    'takes no other kind of address: %j',
    async (url) => {
      expect(await post(url)).toEqual({ kind: 'refused', message: 'its address is no http or https URL' });
    },
  );

  it('ends with its parent', async () => {
    const { url } = await startSocketServer(() => {});
    const controller = new AbortController();
    const outcome = post(url, { signal: controller.signal });
    controller.abort();
    expect(await outcome).toMatchObject({ kind: 'unreachable' });
  });

  it('with a header that can not be sent is an outcome, too', async () => {
    const outcome = await post('http://127.0.0.1:1/', { headers: { 'x-a': 'b\nc' } });
    expect(outcome).toMatchObject({ kind: 'unreachable' });
  });
});

describe('whom a guarded post calls', () => {
  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    'localhost',
    '0',
  ])('is not loopback by default, spelled %s', async (host) => {
    const { port, received } = await startReceiver();
    const outcome = await post(`http://${host}:${port}/`, { allow: ['*'] });
    expect(outcome.kind).toBe('refused');
    expect('message' in outcome && outcome.message).toContain('in outbound.allow');
    expect(received).toEqual([]);
  });

  it('is decided by the address that its name leads to', async () => {
    const { port, received } = await startReceiver();
    const url = `http://gate.shop:${port}/`;
    const lookup = resolving(['127.0.0.1']);
    expect(await post(url, { allow: ['gate.shop'], lookup })).toMatchObject({ kind: 'refused' });
    expect(received).toEqual([]);
    expect(await post(url, { lookup })).toMatchObject({ kind: 'answer', status: 200 });
  });

  it('is the address that was checked, whatever the name says the next time', async () => {
    const { port, received } = await startReceiver();
    const lookup = resolving(['127.0.0.1'], ['169.254.169.254']);
    expect(await post(`http://gate.shop:${port}/`, { lookup })).toMatchObject({ kind: 'answer' });
    expect(await post(`http://gate.shop:${port}/`, { lookup })).toMatchObject({ kind: 'refused' });
    expect(received).toHaveLength(1);
  });

  it('is only what may be called of several addresses', async () => {
    const { port } = await startReceiver();
    const lookup = resolving(['169.254.169.254', '127.0.0.1']);
    expect(await post(`http://gate.shop:${port}/`, { lookup })).toMatchObject({ kind: 'answer' });
  });

  it('is nobody for a name that leads nowhere', async () => {
    const lookup: LookupFunction = (_, __, callback) =>
      callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), []);
    expect(await post('http://gate.shop/', { lookup })).toEqual({
      kind: 'unreachable',
      message: 'no answer from gate.shop (ENOTFOUND)',
    });
    expect(await post('http://gate.shop/', { lookup: resolving([]) })).toEqual({
      kind: 'refused',
      message: 'it has no address',
    });
  });

  it('is not the API server, wherever that is at the time', async () => {
    const { url } = await startReceiver();
    let apiServer: string[] = [];
    const guarded = createGuardedPost({ allow: ['127.0.0.0/8'], apiServer: () => apiServer });
    const send = () =>
      guarded(url, { body: '', timeoutMs: PATIENCE.timeout, signal: new AbortController().signal });
    expect(await send()).toMatchObject({ kind: 'answer' });
    apiServer = ['127.0.0.1'];
    expect(await send()).toMatchObject({ kind: 'refused' });
  });
});
