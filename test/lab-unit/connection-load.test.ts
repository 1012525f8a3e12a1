import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startConnections } from '../../lab/connection-load.ts';
import { behaviourOf } from '../../lab/pod-behaviour.ts';
import { createConversation, createEncryptedServer, createTcpServer } from '../../lab/pod-connections.ts';
import { eventually, PATIENCE } from '../eventually.ts';

// What pods say on ports that do not speak HTTP, and what a load hears.

let server: Server | undefined;

afterEach(() => void server?.close());

const serve = async (tag: string, encrypted: boolean): Promise<number> => {
  const speaker = { pod: 'web-1', namespace: 'shop', behaviour: behaviourOf(`web:${tag}`) };
  const conversation = createConversation(speaker);
  const started = encrypted ? await createEncryptedServer(conversation) : createTcpServer(conversation);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return (started.address() as AddressInfo).port;
};

describe.each([
  ['plain', undefined],
  ['encrypted', 'web.example.com'],
])('%s connections', (_name, serverName) => {
  const options = (port: number) => ({
    port,
    // No more handshakes than a busy machine gets done.
    rps: 20,
    timeoutMs: PATIENCE.timeout,
    ...(serverName === undefined ? {} : { serverName }),
  });

  it('are counted by the version that answers', async () => {
    const port = await serve('v2', serverName !== undefined);
    const load = startConnections(options(port));
    await eventually(() => expect(load.total().requests).toBeGreaterThanOrEqual(10));
    const [counts] = await load.stop();
    expect(load.failures()).toEqual([]);
    expect(counts?.versions).toEqual({ v2: { requests: counts?.requests, failures: 0 } });
  });

  it('have failed when the pod hangs up without a word', async () => {
    const port = await serve('v2-errors50', serverName !== undefined);
    const load = startConnections(options(port));
    await eventually(() => expect(load.total().requests).toBeGreaterThanOrEqual(10));
    const [counts] = await load.stop();
    expect(counts?.failures).toBe(Math.floor((counts?.requests ?? 0) / 2));
    expect(load.failures()[0]).toMatchObject({ port, version: undefined, status: undefined });
  });
});

it('a connection that nobody takes has failed', async () => {
  const port = await serve('v1', false);
  await new Promise((resolve) => server?.close(resolve));
  const load = startConnections({ port, rps: 100 });
  await eventually(() => expect(load.total().failures).toBeGreaterThan(0));
  await load.stop();
});
