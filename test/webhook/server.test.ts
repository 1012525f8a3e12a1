import type { IncomingMessage, RequestListener } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createOperationsServer,
  createWebhookServer,
  type ListeningServer,
  type ServerOptions,
  type WebhookServer,
} from '../../src/webhook/server.ts';
import { type Issued, issued } from '../certs/key-pairs.ts';
import { PATIENCE } from '../eventually.ts';
import { quietLog } from '../telemetry/quiet-log.ts';
import { connectTls, UNHURRIED } from './tls-client.ts';

let one: Issued;
let two: Issued;
const running: { stop: () => void; ended: Promise<void> }[] = [];

beforeAll(async () => {
  const now = new Date();
  one = await issued(['127.0.0.1'], now);
  two = await issued(['127.0.0.1'], now);
});

afterEach(async () => {
  for (const { stop } of running) stop();
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});

const hello: RequestListener = (_request, response) => void response.end('hello');

const run = (server: ListeningServer) => {
  const controller = new AbortController();
  const handle = { stop: () => controller.abort(), ended: server.run(controller.signal) };
  running.push(handle);
  return handle;
};

const listening = (server: ListeningServer) => vi.waitUntil(() => server.port(), PATIENCE);

const serve = async (server: WebhookServer) => {
  server.use(one.leaf);
  const { stop, ended } = run(server);
  return { server, port: await listening(server), stop, ended };
};

const created = (options: Partial<ServerOptions> = {}) =>
  createWebhookServer({ app: hello, port: 0, log: quietLog().log, ...options });

const start = (app: RequestListener = hello, options: Partial<ServerOptions> = {}) =>
  serve(created({ app, clientTimeouts: UNHURRIED, ...options }));

const ask = (port: number, options: RequestOptions) =>
  new Promise<{ response: IncomingMessage; body: string; serial: string }>((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, agent: false, ...options }, (response) => {
      const serial = (response.socket as TLSSocket).getPeerCertificate().serialNumber;
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve({ response, body, serial }));
    });
    call.on('error', reject);
    call.end();
  });

describe('the webhook server', () => {
  it('answers clients that trust its authority', async () => {
    const { port } = await start();
    expect((await ask(port, { ca: one.authority.cert })).body).toBe('hello');
    await expect(ask(port, { ca: two.authority.cert })).rejects.toThrow();
  });

  it('refuses TLS 1.2, before and after a swap', async () => {
    const { server, port } = await start();
    const old = { ca: one.authority.cert, maxVersion: 'TLSv1.2' } as const;
    await expect(ask(port, old)).rejects.toThrow('alert protocol version');
    server.use(one.leaf);
    await expect(ask(port, old)).rejects.toThrow('alert protocol version');
  });

  it('listens only once it has a certificate', async () => {
    const server = created();
    run(server);
    await new Promise(setImmediate);
    expect(server.port()).toBeUndefined();
    server.use(one.leaf);
    expect(await listening(server)).toBeGreaterThan(0);
  });

  it('stops though it never got one', async () => {
    const server = created();
    const { stop, ended } = run(server);
    stop();
    await expect(ended).resolves.toBeUndefined();
  });

  it('swaps its certificate: new connections see it, those that stand go on', async () => {
    const { server, port } = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ca = [one.authority.cert, two.authority.cert];
    const before = await ask(port, { ca, agent });
    server.use(two.leaf);
    const same = await ask(port, { ca, agent });
    const fresh = await ask(port, { ca });
    agent.destroy();
    expect(same.serial).toBe(before.serial);
    expect(fresh.serial).not.toBe(before.serial);
  });

  it('keeps connections longer than the API server does', async () => {
    const { port } = await start();
    const agent = new Agent({ keepAlive: true });
    const { response } = await ask(port, { ca: one.authority.cert, agent });
    agent.destroy();
    expect(response.headers['keep-alive']).toBe('timeout=95');
  });

  it('while draining answers all, each on a connection that ends with it', async () => {
    let draining = false;
    const { port } = await start(hello, { draining: () => draining });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ca = one.authority.cert;
    expect((await ask(port, { ca, agent })).response.headers.connection).toBe('keep-alive');
    draining = true;
    const last = await ask(port, { ca, agent });
    expect(last.body).toBe('hello');
    expect(last.response.headers.connection).toBe('close');
    expect((await ask(port, { ca, agent })).body).toBe('hello');
    agent.destroy();
  });

  it('closes connections beyond its most at once, and counts them', async () => {
    let dropped = 0;
    const { port } = await start(hello, { mostConnections: 2, onDropped: () => (dropped += 1) });
    const ca = one.authority.cert;
    const held = [await connectTls(port, ca), await connectTls(port, ca)];
    await expect(connectTls(port, ca)).rejects.toThrow();
    expect(dropped).toBe(1);
    held[0]?.destroy();
    await vi.waitFor(async () => (await connectTls(port, ca)).destroy(), PATIENCE);
    held[1]?.destroy();
  });

  it('gives up on clients that never shake hands', async () => {
    const { port } = await serve(created());
    const socket = connectPlain({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('close', resolve));
    expect((await ask(port, { ca: one.authority.cert })).body).toBe('hello');
  });

  it('closes gracefully: finishes what is in flight, takes nothing new, keeps no idle connection', async () => {
    let answer: (() => void) | undefined;
    const { port, stop, ended } = await start((incoming, response) => {
      if (incoming.url === '/slow') answer = () => void response.end('late');
      else response.end('quick');
    });
    const ca = one.authority.cert;
    const idle = new Agent({ keepAlive: true });
    const busy = new Agent({ keepAlive: true });
    await ask(port, { ca, agent: idle });
    const slow = ask(port, { ca, agent: busy, path: '/slow' });
    const finish = await vi.waitUntil(() => answer, PATIENCE);
    stop();
    await expect(ask(port, { ca })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    finish();
    expect((await slow).body).toBe('late');
    await ended;
    idle.destroy();
    busy.destroy();
  });

  it('waits for no connection that was opened ahead of need', async () => {
    const { port, stop, ended } = await serve(created());
    const socket = await connectTls(port, one.authority.cert);
    const closed = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
    // Longer than a request that has begun may take for its headers.
    await new Promise((resolve) => setTimeout(resolve, 3_200));
    stop();
    await Promise.all([ended, closed]);
  });

  it('outlives clients that speak no TLS', async () => {
    const { port } = await start();
    await new Promise<void>((resolve) => {
      const socket = connect({
        host: '127.0.0.1',
        port,
        rejectUnauthorized: false,
        ALPNProtocols: ['nonsense'],
      });
      socket.on('error', () => resolve()).on('close', () => resolve());
      socket.on('secureConnect', () => socket.end('no HTTP at all\r\n\r\n'));
    });
    expect((await ask(port, { ca: one.authority.cert })).body).toBe('hello');
  });

  it('rejects when its port is taken', async () => {
    const { port } = await start();
    const second = created({ port });
    second.use(one.leaf);
    await expect(second.run(new AbortController().signal)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

it('the operations server speaks plain HTTP', async () => {
  const server = createOperationsServer({ app: hello, port: 0, log: quietLog().log });
  run(server);
  const port = await listening(server);
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('hello');
});
