import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startLoad } from '../../lab/load.ts';
import { eventually, PATIENCE } from '../eventually.ts';

/** Requests per second: no more than a busy machine gets done, for what is late piles up. */
const RPS = 40;

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const serve = async (answer: RequestListener): Promise<number> => {
  // Closing what has been idle for 5 s, as by default, may meet a request halfway after a pause of the machine.
  const started = createServer({ keepAliveTimeout: 0 }, answer);
  servers.push(started);
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return (started.address() as AddressInfo).port;
};

describe('a load', () => {
  it('counts requests and failures by phase and version', async () => {
    let asked = 0;
    const port = await serve(({ headers }, response) => {
      asked += 1;
      expect(headers.host).toBe('web.shop');
      response.writeHead(asked % 2 === 0 ? 500 : 200, { 'x-version': 'v1', 'x-pod': 'web-1' }).end('{}');
    });
    const load = startLoad({
      port,
      host: 'web.shop',
      rps: RPS,
      phase: 'before',
      timeoutMs: PATIENCE.timeout,
    });
    await eventually(() => expect(load.total().requests).toBeGreaterThanOrEqual(10));
    load.phase('after');
    await eventually(() => expect(load.counts()[1]?.requests).toBeGreaterThanOrEqual(10));
    const phases = await load.stop();
    expect(phases.map(({ phase }) => phase)).toEqual(['before', 'after']);
    expect(load.total()).toEqual({ requests: asked, failures: Math.floor(asked / 2) });
    for (const { versions, requests, failures } of phases)
      expect(versions).toEqual({ v1: { requests, failures } });
    expect(load.failures()[0]).toMatchObject({ phase: 'before', status: 500, version: 'v1', pod: 'web-1' });
  });

  it('counts a connection that breaks, and an answer cut short, as failures without a version', async () => {
    let asked = 0;
    const port = await serve((request, response) => {
      asked += 1;
      if (asked % 2 === 0) request.socket.destroy();
      else response.writeHead(200, { 'content-length': '10' }).write('half', () => request.socket.destroy());
    });
    const load = startLoad({ port, host: 'web', rps: RPS, keepAlive: false });
    await eventually(() => expect(load.total().requests).toBeGreaterThanOrEqual(4));
    await load.stop();
    expect(load.total()).toEqual({ requests: asked, failures: asked });
    expect(load.failures().every(({ error }) => error !== undefined)).toBe(true);
  });

  it('gives up on an answer that does not come', async () => {
    const port = await serve(() => undefined);
    const load = startLoad({ port, host: 'web', rps: RPS, timeoutMs: 30 });
    await eventually(() => expect(load.total().failures).toBeGreaterThan(0));
    await load.stop();
    expect(load.failures()[0]).toMatchObject({ status: undefined, version: undefined });
  });

  it('asks each of several ports on kept and on new connections', async () => {
    const connections = [new Set<unknown>(), new Set<unknown>()];
    const requests = [0, 0];
    const ports = await Promise.all(
      [0, 1].map((index) =>
        serve(({ socket }, response) => {
          connections[index]?.add(socket);
          requests[index] = (requests[index] ?? 0) + 1;
          response.end();
        }),
      ),
    );
    const load = startLoad({ port: ports, host: 'web', rps: RPS, keepAlive: 'both' });
    await eventually(() => {
      expect(load.total().requests).toBeGreaterThanOrEqual(20);
      // Those that leave at the same time, after a pause of the whole machine, share no connection.
      for (const index of [0, 1]) expect(connections[index]?.size).toBeLessThan(requests[index] ?? 0);
    });
    await load.stop();
    for (const index of [0, 1]) {
      const asked = requests[index] ?? 0;
      expect(asked).toBeGreaterThanOrEqual(9);
      // Half of them need one each; the others share few.
      expect(connections[index]?.size).toBeGreaterThanOrEqual(Math.floor(asked / 2));
      expect(connections[index]?.size).toBeLessThan(asked);
    }
  });
});
