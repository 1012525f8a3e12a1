import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonPatchOperation } from '../../src/kube/api.ts';
import { decodeBody } from '../../src/webhook/json-body.ts';
import { realWebhook } from './real-webhook.ts';
import { deployment, reviewOf } from './reviews.ts';

const { handlers } = realWebhook();
const paths = ['/mutate', '/mutate-routes'] as const;

/** What a client gets for these bytes. */
const answerTo = (body: Buffer, path: (typeof paths)[number]) => {
  const decoded = decodeBody(body);
  return decoded.ok ? handlers[path](decoded.value) : { status: 400, body: {} };
};

interface Answered {
  response: { allowed: boolean; patch?: string };
}

/** Refused as malformed, or answered as a review. */
const expectSane = ({ status, body }: { status: number; body: object }): void => {
  if (status === 400) return;
  expect(status).toBe(200);
  const { response } = body as Answered;
  const patch = Buffer.from(response.patch ?? '', 'base64').toString() || '[]';
  expect(Array.isArray(JSON.parse(patch) as JsonPatchOperation[])).toBe(true);
};

const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  '',
  'metadata',
  'spec',
  'template',
  'labels',
  'annotations',
  'replicas',
  'paused',
  'selector',
  'matchLabels',
  'containers',
  'status',
  'conditions',
  'kanari.dev/run',
  'kanari.dev/split',
  'kanari.dev/split-origin',
  'kanari.dev/steps',
  'kanari.dev/skip',
];
const key = fc.oneof(fc.constantFrom(...KEYS), fc.string());
const nonsense = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -1, 1e308, 2 ** 53, 0.5, '', 'enabled', '\u0000', '\ud800'),
    fc.string(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

/** A value with something else at some places of it. */
const mutated = (value: unknown): fc.Arbitrary<unknown> => {
  const kept = { weight: 60, arbitrary: fc.constant(value) };
  const other = { weight: 1, arbitrary: nonsense };
  if (typeof value !== 'object' || value === null) return fc.oneof(kept, other);
  const inside = Array.isArray(value)
    ? fc.tuple(...value.map(mutated))
    : fc
        .tuple(
          fc.record(Object.fromEntries(Object.entries(value).map(([name, part]) => [name, mutated(part)]))),
          fc.option(fc.tuple(key, nonsense), { freq: 6 }),
        )
        .map(([record, extra]) => (extra === null ? record : { ...record, ...Object.fromEntries([extra]) }));
  return fc.oneof({ weight: 60, arbitrary: inside }, other);
};

const held = {
  ...deployment(),
  metadata: {
    name: 'web',
    namespace: 'shop',
    labels: { app: 'web' },
    annotations: { 'kanari.dev/run': '1-abc', 'kanari.dev/primary': '1-def', 'kanari.dev/steps': '10,50' },
  },
  spec: {
    replicas: 2,
    paused: true,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'web:v2' }] },
    },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 1 } },
  },
  status: { replicas: 2, availableReplicas: 2, conditions: [{ type: 'Available', status: 'True' }] },
};

const split = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: {
    name: 'web',
    annotations: { 'kanari.dev/split': '{"web":{"services":["web"],"weight":20}}' },
  },
  spec: {
    hosts: ['web'],
    http: [{ match: [{ uri: { prefix: '/' } }], route: [{ destination: { host: 'web' }, weight: 100 }] }],
  },
};

describe('whatever is posted', () => {
  it('is refused or answered, never a crash: bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...paths), (bytes, path) =>
        expectSane(answerTo(Buffer.from(bytes), path)),
      ),
      { numRuns: 1_000 },
    );
  });

  it('is refused or answered, never a crash: a good review cut, spliced or with bytes changed', () => {
    const good = Buffer.from(JSON.stringify(reviewOf({ object: held, oldObject: held })));
    const place = fc.nat({ max: good.length });
    fc.assert(
      fc.property(place, place, fc.uint8Array({ maxLength: 8 }), (from, to, between) => {
        const body = Buffer.concat([good.subarray(0, from), Buffer.from(between), good.subarray(to)]);
        expectSane(answerTo(body, '/mutate'));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is refused or answered, never a crash: a review with nonsense in some of its places', () => {
    const review = reviewOf({ object: held, oldObject: { ...held, spec: { ...held.spec, paused: false } } });
    fc.assert(
      fc.property(mutated(review), fc.constantFrom(...paths), (body, path) =>
        expectSane(answerTo(Buffer.from(JSON.stringify(body)), path)),
      ),
      { numRuns: 1_000 },
    );
  });

  it('is refused or answered, never a crash: a Deployment of nonsense in a good envelope', () => {
    fc.assert(
      fc.property(
        mutated(held),
        mutated(held),
        fc.constantFrom('CREATE', 'UPDATE'),
        (object, oldObject, operation) => {
          const body = JSON.stringify(reviewOf({ object, oldObject, operation }));
          expectSane(answerTo(Buffer.from(body), '/mutate'));
        },
      ),
      { numRuns: 1_500 },
    );
  });

  it('is refused or answered, never a crash: a split route of nonsense in a good envelope', () => {
    const kind = { group: 'networking.istio.io', version: 'v1', kind: 'VirtualService' };
    fc.assert(
      fc.property(mutated(split), mutated(split), (object, oldObject) => {
        const body = JSON.stringify(reviewOf({ kind, object, oldObject }));
        expectSane(answerTo(Buffer.from(body), '/mutate-routes'));
      }),
      { numRuns: 1_000 },
    );
  });
});
