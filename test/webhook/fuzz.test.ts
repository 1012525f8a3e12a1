import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createWebhookServer, type ServerOptions } from '../../src/webhook/server.ts';
import { type Issued, issued } from '../certs/key-pairs.ts';
import { PATIENCE } from '../eventually.ts';
import { quietLog } from '../telemetry/quiet-log.ts';
import { realWebhook } from './real-webhook.ts';
import { deployment, reviewOf } from './reviews.ts';
import { connectTls, type RawRequest, rawRequest, readToEnd, UNHURRIED } from './tls-client.ts';

// What comes from elsewhere than an API server, over real TLS and with the real decisions behind it: each is refused
// with a 4xx, and the next good review is answered.

let pairs: Issued;
let port: number;
let webhook: ReturnType<typeof realWebhook>;
const stop = new AbortController();
const ended: Promise<void>[] = [];

const start = async (options: Partial<ServerOptions> = {}): Promise<number> => {
  const server = createWebhookServer({ app: webhook.app, port: 0, log: quietLog().log, ...options });
  server.use(pairs.leaf);
  ended.push(server.run(stop.signal));
  return vi.waitUntil(() => server.port(), PATIENCE);
};

beforeAll(async () => {
  pairs = await issued(['127.0.0.1'], new Date());
  webhook = realWebhook();
  port = await start({ clientTimeouts: UNHURRIED });
});

afterAll(async () => {
  stop.abort();
  await Promise.all(ended);
});

const send = async (bytes: Buffer) => {
  const socket = await connectTls(port, pairs.authority.cert);
  const reply = readToEnd(socket);
  socket.write(bytes);
  return reply;
};

const expectAlive = async (): Promise<void> => {
  const { status, body } = await send(rawRequest({ body: JSON.stringify(reviewOf()) }));
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({ response: { uid: '0c1d', allowed: true } });
  expect(webhook.entries.filter(({ level }) => Number(level) >= 50)).toEqual([]);
};

const good = JSON.stringify(reviewOf());
/** The review with a piece of its text replaced, as no JSON library would write it. */
const forged = (piece: string, by: string): string => {
  expect(good).toContain(piece);
  return good.replace(piece, by);
};
const nested = (open: string, close: string) => open.repeat(100_000) + close.repeat(100_000);
const without = (name: string) => {
  const { [name as 'uid']: _, ...request } = reviewOf().request;
  return JSON.stringify({ ...reviewOf(), request });
};

const MALFORMED: Record<string, RawRequest & { status?: number }> = {
  nothing: {},
  'white space': { body: ' \n ' },
  'a truncated review': { body: good.slice(0, -20) },
  'half an escape': { body: '{"kind":"\\u12' },
  '100,000 levels of lists': { body: nested('[', ']') },
  '100,000 levels of objects': { body: nested('{"a":', '}').replace(':}', ':1}') },
  '100,000 levels inside the object': { body: forged('"containers":[]', `"x":${nested('[', ']')}`) },
  '100,000 levels never closed': { body: '['.repeat(100_000) },
  'two million empty objects': { body: `[${'{},'.repeat(2_000_000)}1]` },
  'a list': { body: '[]' },
  'a list of reviews': { body: `[${good}]` },
  'a string': { body: '"review"' },
  'a number': { body: '1e999' },
  null: { body: 'null' },
  'two reviews': { body: good + good },
  'a byte order mark': { body: `\uFEFF${good}` },
  'another kind': { body: JSON.stringify({ ...reviewOf(), kind: 'TokenReview' }) },
  'another version': { body: JSON.stringify({ ...reviewOf(), apiVersion: 'admission.k8s.io/v1beta1' }) },
  'no request': { body: '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}' },
  'no uid': { body: without('uid') },
  'a uid that is a number': { body: forged('"0c1d"', '17') },
  'no operation': { body: without('operation') },
  'no user': { body: without('userInfo') },
  'an update of nothing': { body: without('oldObject') },
  'keys of prototypes in place of a request': {
    body: forged('"request"', '"__proto__"'),
  },
  'a constructor in place of a request': { body: '{"constructor":{"prototype":{"request":{}}}}' },
  'a huge number of replicas': { body: forged('"spec":{', '"spec":{"replicas":1e400,') },
  'a generation beyond integers': {
    body: forged('"metadata":{', '"metadata":{"generation":9007199254740993e9,'),
  },
  'UTF-16': { body: Buffer.from(good, 'utf16le') },
  'invalid UTF-8': { body: Buffer.concat([Buffer.from(good.slice(0, -2)), Buffer.from([0xc3, 0x28, 0xff])]) },
  'a lone surrogate as UTF-8': {
    body: Buffer.concat([Buffer.from('"'), Buffer.from([0xed, 0xa0, 0x80, 0x22])]),
  },
  'no content type': { headers: { 'content-type': '' }, body: good, status: 415 },
  YAML: { headers: { 'content-type': 'application/yaml' }, body: 'a: b', status: 415 },
  'a form': { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=b', status: 415 },
  'a compressed bomb': {
    headers: { 'content-encoding': 'gzip' },
    body: gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20)),
    status: 415,
  },
  'an unknown encoding': { headers: { 'content-encoding': 'br' }, body: good, status: 415 },
  'an announcement of 8 MiB': { headers: { 'content-length': String(8 * 1024 * 1024) }, status: 413 },
  'an announcement beyond integers': { headers: { 'content-length': '99999999999999999999' } },
  'a negative length': { headers: { 'content-length': '-1' } },
  'two lengths': { headers: { 'content-length': '2', 'Content-Length': '3' }, body: '{}' },
  'a length and chunks': { headers: { 'transfer-encoding': 'chunked' }, body: good },
  'a GET': { method: 'GET', status: 405 },
  'a PUT': { method: 'PUT', body: good, status: 405 },
  'no such method': { method: 'KANARI' },
  'another path': { path: '/mutate/../etc/passwd', body: good, status: 404 },
  'a path of nonsense': { path: '/%', body: good, status: 404 },
  'headers of 32 KiB': { headers: { 'x-long': 'x'.repeat(32 * 1024) }, status: 431 },
};

describe('refused with a 4xx, and survived', () => {
  test.each(Object.entries(MALFORMED))('%s', async (_, { status = 400, ...request }) => {
    const reply = await send(rawRequest(request));
    expect(reply.status).toBe(status);
    await expectAlive();
  });

  test('a body of endless chunks', async () => {
    const chunk = `100000\r\n${' '.repeat(0x100000)}\r\n`;
    const headers = { 'transfer-encoding': 'chunked', 'content-length': undefined };
    const { status } = await send(rawRequest({ headers, body: chunk.repeat(8) }));
    expect(status).toBe(413);
    await expectAlive();
  });

  test('no HTTP at all', async () => {
    expect((await send(Buffer.from('\x16\x03\x01 nonsense\r\n\r\n'))).status).toBe(400);
    await expectAlive();
  });
});

describe('slow clients', () => {
  let strict: number;
  beforeAll(async () => {
    strict = await start();
  });

  test.each<[string, string]>([
    ['that never finish their headers', 'POST /mutate HTTP/1.1\r\nhost: x\r\nx-slow: '],
    [
      'that never finish their body',
      'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"',
    ],
  ])('%s are cut off with a 408', async (_, beginning) => {
    const socket = await connectTls(strict, pairs.authority.cert);
    const reply = readToEnd(socket);
    socket.write(beginning);
    const drip = setInterval(() => socket.write('x'), 200);
    const { status } = await reply;
    clearInterval(drip);
    expect(status).toBe(408);
    await expectAlive();
  });

  test('that only connect ahead of need may ask later', async () => {
    const socket = await connectTls(strict, pairs.authority.cert);
    // Longer than a request that has begun may take for its headers.
    await new Promise((resolve) => setTimeout(resolve, 3_200));
    const reply = readToEnd(socket);
    socket.write(rawRequest({ body: good }));
    expect((await reply).status).toBe(200);
  });
});

describe('nonsense inside a good envelope is named', () => {
  const withDeployment = (change: object) =>
    JSON.stringify(reviewOf({ object: { ...deployment(), ...change } }));
  const spec = deployment().spec;

  test.each<[string, object, string]>([
    ['no spec', { spec: undefined }, 'request.object.spec'],
    ['a spec that is a list', { spec: [] }, 'request.object.spec'],
    ['no selector', { spec: { ...spec, selector: undefined } }, 'request.object.spec.selector'],
    ['a template that is null', { spec: { ...spec, template: null } }, 'request.object.spec.template'],
    ['a template without pods', { spec: { ...spec, template: {} } }, 'request.object.spec.template.spec'],
    ['replicas as text', { spec: { ...spec, replicas: '3' } }, 'request.object.spec.replicas'],
    ['half a replica', { spec: { ...spec, replicas: 0.5 } }, 'request.object.spec.replicas'],
    ['a pause that is a text', { spec: { ...spec, paused: 'true' } }, 'request.object.spec.paused'],
    ['labels that are a number', { metadata: { name: 'web', labels: 5 } }, 'request.object.metadata.labels'],
    [
      'annotations that are a list',
      { metadata: { annotations: ['a'] } },
      'request.object.metadata.annotations',
    ],
    ['an annotation that is a number', { metadata: { annotations: { a: 1 } } }, 'metadata.annotations.a'],
    ['no metadata', { metadata: undefined }, 'request.object.metadata'],
    ['conditions that are a text', { status: { conditions: 'Ready' } }, 'request.object.status.conditions'],
  ])('%s', async (_, change, field) => {
    const reply = await send(rawRequest({ body: withDeployment(change) }));
    expect(reply.status).toBe(400);
    expect(reply.body).toContain(field);
    await expectAlive();
  });

  test('a Pod is none of our business', async () => {
    const kind = { group: '', version: 'v1', kind: 'Pod' };
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } };
    const body = JSON.stringify(reviewOf({ kind, object, oldObject: object }));
    const reply = await send(rawRequest({ body }));
    expect(JSON.parse(reply.body).response).toEqual({ uid: '0c1d', allowed: true });
  });

  test('keys of prototypes are keys like any other', async () => {
    const body = forged('"containers":[]', '"containers":[],"__proto__":{"polluted":true},"constructor":{}');
    const reply = await send(rawRequest({ body }));
    expect(reply.status).toBe(200);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    await expectAlive();
  });
});
