import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { describe, expect, it, test, vi } from 'vitest';
import { createHealth } from '../../src/telemetry/health.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createOperationsApp, createWebhookApp, type WebhookAppDependencies } from '../../src/webhook/app.ts';
import { createHandler } from '../../src/webhook/handler.ts';
import { createLoadLimit, type LoadLimit } from '../../src/webhook/load-limit.ts';
import type { Decide } from '../../src/webhook/review.ts';
import { PATIENCE } from '../eventually.ts';
import { quietLog } from '../telemetry/quiet-log.ts';
import { deployment, reviewOf } from './reviews.ts';

const hold: Decide = () => ({
  allowed: true,
  patch: [{ op: 'add', path: '/spec/paused', value: true }],
  warnings: ['kanari: canary of web started'],
  reason: 'Held',
});

const setUp = (
  decide: Decide = hold,
  now: () => number = () => 0,
  overrides: Partial<WebhookAppDependencies> = {},
) => {
  const { log, entries } = quietLog();
  const metrics = createMetrics();
  const health = createHealth();
  const handlerOf = (decision: Decide) => createHandler({ decide: decision, log, metrics, now });
  const handlers = {
    '/mutate': handlerOf(decide),
    '/mutate-routes': handlerOf(() => ({ allowed: true, patch: [], warnings: [], reason: 'Unsplit' })),
  };
  const dependencies = { health, registry: metrics.registry, log };
  return {
    app: createWebhookApp({ ...dependencies, handlers, ...overrides }),
    operations: createOperationsApp(dependencies),
    health,
    entries,
    registry: metrics.registry,
  };
};

describe('a review', () => {
  it('posted to /mutate is answered with the decision', async () => {
    const { app, registry } = setUp();
    const { status, body } = await request(app).post('/mutate').send(reviewOf());
    expect(status).toBe(200);
    expect(body.response).toMatchObject({
      uid: '0c1d',
      allowed: true,
      patchType: 'JSONPatch',
      warnings: ['kanari: canary of web started'],
    });
    expect(await registry.metrics()).toContain(
      'kanari_admission_requests_total{outcome="patched",reason="Held"} 1',
    );
  });

  it('of a route goes to a decision of its own', async () => {
    const { status, body } = await request(setUp().app).post('/mutate-routes').send(reviewOf());
    expect(status).toBe(200);
    expect(body.response).toEqual({ uid: '0c1d', allowed: true });
  });

  it('with a charset in its content type is fine', async () => {
    const response = await request(setUp().app)
      .post('/mutate')
      .set('content-type', 'application/json; charset=utf-8')
      .send(JSON.stringify(reviewOf()));
    expect(response.status).toBe(200);
  });

  it('whose decision throws is answered 500, so that the failure policy decides', async () => {
    const { app, entries, registry } = setUp(() => {
      throw new Error('the password is hunter2');
    });
    const { status, text } = await request(app).post('/mutate').send(reviewOf());
    expect(status).toBe(500);
    expect(text).not.toContain('hunter2');
    expect(entries).toContainEqual(
      expect.objectContaining({ level: 50, object: 'shop/web', msg: 'admission decision failed' }),
    );
    expect(await registry.metrics()).toContain('outcome="failed",reason="InternalError"} 1');
  });

  it('that is answered too late for the API server is logged', async () => {
    let time = 0;
    const { app, entries } = setUp(hold, () => {
      time += 3_000;
      return time;
    });
    await request(app).post('/mutate').send(reviewOf());
    expect(entries).toContainEqual(expect.objectContaining({ level: 40, msg: 'admission answered late' }));
  });

  it('of 6 MiB is taken, as the API server may send it', async () => {
    const annotations = { big: 'x'.repeat(3 * 1024 * 1024) };
    const object = { ...deployment(), metadata: { name: 'web', annotations } };
    const response = await request(setUp().app)
      .post('/mutate')
      .send(reviewOf({ object, oldObject: object }));
    expect(response.status).toBe(200);
  });
});

describe('before the caches are filled', () => {
  const starting = () => {
    const refused: string[] = [];
    let synced = false;
    const { app } = setUp(hold, () => 0, {
      synced: { '/mutate': () => synced },
      onRefused: (reason) => refused.push(reason),
    });
    return { app, refused, fill: () => void (synced = true) };
  };

  it('a review is sent away, to be asked again within the 3 s of the API server', async () => {
    const { app, refused, fill } = starting();
    const { status, headers, body } = await request(app).post('/mutate').send(reviewOf());
    expect([status, headers['retry-after'], body]).toEqual([503, '1', { error: 'NotSynced' }]);
    expect(refused).toEqual(['NotSynced']);
    fill();
    expect((await request(app).post('/mutate').send(reviewOf())).status).toBe(200);
  });

  it('routes are answered all the same: their decision needs none', async () => {
    const { status } = await request(starting().app).post('/mutate-routes').send(reviewOf());
    expect(status).toBe(200);
  });
});

describe('beyond what there is room for', () => {
  /** A review whose body is announced and does not come. */
  const announce = async (url: string, bytes: number) => {
    const call = httpRequest(`${url}/mutate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': bytes },
    });
    call.on('error', () => undefined);
    call.flushHeaders();
    return call;
  };

  const serve = async (load: LoadLimit) => {
    const refused: string[] = [];
    const server = createServer(
      setUp(hold, () => 0, { load, onRefused: (reason) => refused.push(reason) }).app,
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const stop = () => server.closeAllConnections();
    return { server, refused, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
  };

  test.each<[string, Parameters<typeof createLoadLimit>[0], string]>([
    ['requests', { mostRequests: 2 }, 'TooManyRequests'],
    ['bytes', { mostBytes: 1_500 }, 'TooManyBytes'],
  ])(
    '%s, a review is told to come back in a second, and is answered once there is',
    async (_, limits, reason) => {
      const load = createLoadLimit(limits);
      const { server, url, refused, stop } = await serve(load);
      const slow = [await announce(url, 700), await announce(url, 700)];
      await vi.waitUntil(() => load.requests() === 2, PATIENCE);

      const sentAway = await request(server).post('/mutate').send(reviewOf());
      expect(sentAway.status).toBe(503);
      expect(sentAway.headers['retry-after']).toBe('1');
      expect(refused).toEqual([reason]);

      for (const call of slow) call.destroy();
      await vi.waitUntil(() => load.requests() === 0, PATIENCE);
      expect(load.bytes()).toBe(0);
      expect((await request(server).post('/mutate').send(reviewOf())).status).toBe(200);
      stop();
      server.close();
    },
  );

  it('a body without a length counts as the largest there may be', async () => {
    const load = createLoadLimit({ mostBytes: 7 * 1024 * 1024 });
    const { server, url, stop } = await serve(load);
    const call = httpRequest(`${url}/mutate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    call.on('error', () => undefined);
    call.write('{');
    await vi.waitUntil(() => load.requests() === 1, PATIENCE);
    expect(load.bytes()).toBe(7 * 1024 * 1024);
    expect((await request(server).post('/mutate').send(reviewOf())).status).toBe(503);
    call.destroy();
    stop();
    server.close();
  });

  it('of memory, at most four of the largest bodies are taken in at once', () => {
    const load = createLoadLimit();
    const taken = Array.from({ length: 20 }, () => load.enter(7 * 1024 * 1024)).filter(({ ok }) => ok);
    expect(taken).toHaveLength(4);
  });
});

describe('what is no review is refused in words', () => {
  test.each<[string, string, string, number]>([
    ['JSON of something else', '{}', 'application/json', 400],
    ['broken JSON', '{', 'application/json', 400],
    ['no JSON', 'a: b', 'application/yaml', 415],
    ['more than 7 MiB', JSON.stringify('x'.repeat(7 * 1024 * 1024)), 'application/json', 413],
  ])('%s', async (_, body, type, status) => {
    const response = await request(setUp().app).post('/mutate').set('content-type', type).send(body);
    expect(response.status).toBe(status);
    expect(response.body.error).toEqual(expect.any(String));
  });

  it('nothing at all', async () => {
    expect((await request(setUp().app).post('/mutate')).status).toBe(415);
  });

  it('a compressed body, which could be a bomb', async () => {
    const response = await request(setUp().app)
      .post('/mutate')
      .set('content-type', 'application/json')
      .set('content-encoding', 'gzip')
      .send('{}');
    expect(response.status).toBe(415);
  });

  it('another method', async () => {
    const response = await request(setUp().app).get('/mutate');
    expect(response.status).toBe(405);
    expect(response.headers['allow']).toBe('POST');
  });

  it('another path', async () => {
    expect((await request(setUp().app).get('/mutate/x')).status).toBe(404);
  });
});

describe('probes and metrics', () => {
  test.each(['app', 'operations'] as const)('are served by the %s', async (which) => {
    const { [which]: app, health } = setUp();
    expect((await request(app).get('/healthz')).status).toBe(200);
    health.addReadiness('caches', () => 'not listed yet');
    const ready = await request(app).get('/readyz');
    expect(ready.status).toBe(503);
    expect(ready.text).toContain('[-] caches: not listed yet');
    const metrics = await request(app).get('/metrics');
    expect(metrics.headers['content-type']).toContain('text/plain');
    expect(metrics.text).toContain('kanari_leader 0');
    expect((await request(app).post('/metrics')).status).toBe(405);
  });

  it('come without reviews on the plain port', async () => {
    expect((await request(setUp().operations).post('/mutate').send(reviewOf())).status).toBe(404);
  });
});
