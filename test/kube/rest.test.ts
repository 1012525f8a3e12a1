import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KubeError } from '../../src/kube/errors.ts';
import { createRest, type Rest, type RestCall } from '../../src/kube/rest.ts';
import { eventually, PATIENCE } from '../eventually.ts';
import { answer, type FakeApiServer, startFakeApiServer, status } from './fake-api-server.ts';
import { createMemoryLog } from './memory-log.ts';

const PATH = '/api/v1/namespaces/shop/services/web';
const never = new AbortController().signal;
const waits: number[] = [];
const timing = {
  now: () => 0,
  monotonic: () => 0,
  random: () => 0,
  sleep: (ms: number) => Promise.resolve(void waits.push(ms)),
};

let server: FakeApiServer;
let rest: Rest;

const failure = async (call: Partial<RestCall>): Promise<KubeError> => {
  try {
    await rest.request({ method: 'GET', path: PATH, signal: never, ...call });
  } catch (error) {
    return error as KubeError;
  }
  throw new Error('expected a failure');
};

beforeEach(async () => {
  waits.length = 0;
  server = await startFakeApiServer();
  rest = createRest({ credentials: server.credentials(), userAgent: 'kanari/test', timing });
});
afterEach(async () => {
  rest.close();
  await server.close();
});

describe('a request', () => {
  it('uses one socket for a hundred calls', async () => {
    server.put({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' } });
    for (let call = 0; call < 100; call += 1)
      await rest.request({ method: 'GET', path: PATH, signal: never });
    expect(server.requests).toHaveLength(100);
    expect(server.connections()).toBe(1);
  });

  it('keeps fields that no type knows', async () => {
    server.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'shop' },
      novel: [1],
    } as never);
    expect(await rest.request({ method: 'GET', path: PATH, signal: never })).toMatchObject({ novel: [1] });
  });

  it('leaves undefined query values out', async () => {
    await failure({ query: { limit: 5, continue: undefined } });
    expect(server.requests[0]?.query).toEqual({ limit: '5' });
    expect(server.requests[0]?.headers['user-agent']).toBe('kanari/test');
  });

  it('gives up at its deadline when the server stalls', async () => {
    server.intercept(
      () => true,
      () => true,
    );
    expect(await failure({ timeoutMs: 30 })).toMatchObject({ status: 0, reason: 'Timeout' });
  });

  it('gives up at its deadline when the body stalls', async () => {
    server.intercept(
      () => true,
      (_request, response) => {
        response.writeHead(200).write('{"kind":');
        return true;
      },
    );
    expect(await failure({ timeoutMs: 30 })).toMatchObject({ status: 0, reason: 'Timeout' });
  });

  it('ends with the reason of its signal', async () => {
    const stop = new AbortController();
    server.intercept(
      () => true,
      () => {
        stop.abort(new Error('shutting down'));
        return true;
      },
    );
    await expect(rest.request({ method: 'GET', path: PATH, signal: stop.signal })).rejects.toThrow(
      'shutting down',
    );
  });

  it('reports an answer that is no JSON', async () => {
    server.intercept(
      () => true,
      (_request, response) => Boolean(response.end('<html>')),
    );
    expect(await failure({})).toMatchObject({ reason: 'Undecodable' });
  });
});

describe('repeating', () => {
  const ok = () =>
    server.put({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' } });
  const reset = (times: number) =>
    server.intercept(
      () => true,
      (_request, response) => Boolean(response.socket?.resetAndDestroy()),
      times,
    );
  const reply = (code: number, headers: object, times = 1) =>
    server.intercept(
      () => true,
      (_request, response) => answer(response, code, status(code), headers),
      times,
    );

  it.each([429, 500, 502, 503, 504])('reads again after a %i', async (code) => {
    ok();
    reply(code, {});
    await rest.request({ method: 'GET', path: PATH, signal: never });
    expect(server.requests).toHaveLength(2);
  });

  it('reads again after a reset connection', async () => {
    ok();
    reset(2);
    await rest.request({ method: 'GET', path: PATH, signal: never });
    expect(server.requests).toHaveLength(3);
  });

  it('waits as long as Retry-After asks', async () => {
    ok();
    reply(429, { 'retry-after': '3' });
    await rest.request({ method: 'GET', path: PATH, signal: never });
    expect(waits).toEqual([3000]);
  });

  it('leaves a wait beyond the deadline to the caller', async () => {
    reply(429, { 'retry-after': '60' });
    expect(await failure({})).toMatchObject({ status: 429, retryAfterMs: 60_000 });
    expect(waits).toEqual([]);
  });

  it('ends after four attempts', async () => {
    reply(503, {}, 10);
    expect(await failure({})).toMatchObject({ status: 503 });
    expect(server.requests).toHaveLength(4);
  });

  it.each([
    { what: 'a 500', code: 500, headers: {}, sent: 1 },
    { what: 'a 429 without Retry-After', code: 429, headers: {}, sent: 1 },
    { what: 'a 429 with Retry-After', code: 429, headers: { 'retry-after': '1' }, sent: 4 },
  ])('sends a write $sent times on $what', async ({ code, headers, sent }) => {
    reply(code, headers, 10);
    await failure({ method: 'PATCH', body: {} });
    expect(server.requests).toHaveLength(sent);
  });

  it('does not repeat a write that may have arrived', async () => {
    reset(10);
    expect(await failure({ method: 'PATCH', body: {} })).toMatchObject({ status: 0, reason: 'Unreachable' });
    expect(server.requests).toHaveLength(1);
  });

  it('repeats a write whose connection was never made', async () => {
    await server.close();
    expect(await failure({ method: 'PATCH', body: {} })).toMatchObject({ status: 0, reason: 'NotSent' });
    expect(waits).toHaveLength(3);
    server = await startFakeApiServer();
  });
});

describe('credentials', () => {
  const secret = 'eyJhbGciOiJSUzI1NiJ9.very-secret';
  const tokens = (...values: string[]) => {
    let index = 0;
    const credentials = {
      server: server.url,
      identify: () => Promise.resolve({ authorization: `Bearer ${values[index]}` }),
      renew: vi.fn(() => (index += 1)),
    };
    const log = createMemoryLog();
    rest = createRest({ credentials, userAgent: 'kanari/test', timing, log });
    return { renew: credentials.renew, log };
  };
  const refuse = (token: string) =>
    server.intercept(
      ({ headers }) => headers.authorization === `Bearer ${token}`,
      (_request, response) => answer(response, 401, status(401, { reason: 'Unauthorized' })),
      10,
    );

  it('are read anew after a 401, and the call is repeated, a write too', async () => {
    tokens('old', 'new');
    refuse('old');
    server.put({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' } });
    await rest.request({ method: 'PATCH', path: PATH, body: { a: 1 }, signal: never });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
  });

  it('that stay refused are reported once', async () => {
    const { renew } = tokens(secret, secret);
    refuse(secret);
    expect(await failure({})).toMatchObject({ status: 401, reason: 'Unauthorized' });
    expect(renew).toHaveBeenCalledTimes(1);
  });

  it('never appear in errors or logs', async () => {
    const { log } = tokens(secret, secret);
    refuse(secret);
    const errors = [await failure({})];
    server.intercept(
      () => true,
      (_request, response) => Boolean(response.socket?.destroy()),
      4,
    );
    tokens(secret);
    errors.push(await failure({}));
    expect(errors.map(({ status: code }) => code)).toEqual([401, 0]);
    for (const error of errors) {
      const everything = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)));
      expect(JSON.stringify([everything, error.cause, log.lines])).not.toContain('very-secret');
    }
  });
});

describe('a stream', () => {
  const open = (signal: AbortSignal = never, timeoutMs = PATIENCE.timeout) =>
    rest.stream({
      method: 'GET',
      path: '/api/v1/services',
      query: { watch: true, resourceVersion: '1' },
      signal,
      timeoutMs,
    });

  it('yields lines that break anywhere, also inside a character', async () => {
    const lines = await open();
    const bytes = Buffer.from(`${JSON.stringify({ text: 'größer 🐤' })}\n`);
    const received = lines[Symbol.asyncIterator]().next();
    await eventually(() => expect(server.openWatches()).toBe(1));
    for (const byte of bytes) server.sendRaw(Buffer.from([byte]) as never);
    expect((await received).value).toEqual({ text: 'größer 🐤' });
  });

  it('outlives the deadline of its beginning', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const lines = await open();
    vi.advanceTimersByTime(2 * PATIENCE.timeout);
    vi.useRealTimers();
    const received = lines[Symbol.asyncIterator]().next();
    server.send('ADDED', 1);
    expect((await received).value).toEqual({ type: 'ADDED', object: 1 });
  });

  it('fails when it does not begin in time', async () => {
    server.intercept(
      () => true,
      () => true,
    );
    await expect(open(never, 20)).rejects.toMatchObject({ reason: 'Timeout' });
  });

  it('throws when the connection is reset', async () => {
    const lines = await open();
    const received = lines[Symbol.asyncIterator]().next();
    server.resetWatches();
    await expect(received).rejects.toMatchObject({ name: 'KubeError', status: 0, reason: 'Unreachable' });
  });

  it('ends with the reason of its signal', async () => {
    const stop = new AbortController();
    const lines = await open(stop.signal);
    const received = lines[Symbol.asyncIterator]().next();
    stop.abort(new Error('shutting down'));
    await expect(received).rejects.toThrow('shutting down');
    await eventually(() => expect(server.openWatches()).toBe(0));
  });

  it('throws what the server answered instead', async () => {
    server.intercept(
      () => true,
      (_request, response) => answer(response, 410, status(410)),
    );
    await expect(open()).rejects.toMatchObject({ status: 410, reason: 'Expired' });
  });
});
