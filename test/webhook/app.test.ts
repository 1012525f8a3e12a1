import request from 'supertest';
import { describe, expect, it, test } from 'vitest';
import { createHealth } from '../../src/telemetry/health.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createOperationsApp, createWebhookApp } from '../../src/webhook/app.ts';
import { createHandler } from '../../src/webhook/handler.ts';
import type { Decide } from '../../src/webhook/review.ts';
import { quietLog } from '../telemetry/quiet-log.ts';
import { reviewOf } from './reviews.ts';

const hold: Decide = () => ({
  allowed: true,
  patch: [{ op: 'add', path: '/spec/paused', value: true }],
  warnings: ['kanari: canary of web started'],
  reason: 'Held',
});

const setUp = (decide: Decide = hold, now: () => number = () => 0) => {
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
    app: createWebhookApp({ ...dependencies, handlers }),
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
    const object = { metadata: { name: 'web', annotations: { big: 'x'.repeat(3 * 1024 * 1024) } } };
    const response = await request(setUp().app)
      .post('/mutate')
      .send(reviewOf({ object, oldObject: object }));
    expect(response.status).toBe(200);
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
