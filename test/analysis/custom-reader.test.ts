import { describe, expect, it } from 'vitest';
import type { CustomTarget } from '../../src/analysis/custom-metrics.ts';
import { createCustomMetricReader, type MetricServer } from '../../src/analysis/custom-reader.ts';
import type { HttpOutcome } from '../../src/analysis/http-exchange.ts';
import type { Answer } from '../../src/analysis/prometheus-answer.ts';
import { policyMetric } from '../../src/core/policy-metric.ts';

type Reply<T> = (text: string, signal: AbortSignal) => T | Promise<T>;

const fakeServer = (
  type: MetricServer['type'],
  reply: { query?: Reply<Answer>; get?: Reply<HttpOutcome> },
) => {
  const asked: string[] = [];
  const unexpected = (): never => expect.fail('asked in the wrong way');
  const { query = unexpected, get = unexpected } = reply;
  const note = (text: string): string => {
    asked.push(text);
    return text;
  };
  const client = {
    query: async (text: string, signal: AbortSignal) => query(note(text), signal),
    get: async (text: string, signal: AbortSignal) => get(note(text), signal),
  };
  return { asked, server: { type, client } satisfies MetricServer };
};

const vector = (...values: number[]): Answer => ({
  ok: true,
  series: values.map((value) => ({ labels: {}, value })),
});
const json = (body: unknown, status = 200): HttpOutcome => ({
  kind: 'answer',
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

const metricOf = (given: object) =>
  policyMetric.parse({ name: 'errors', query: 'sum(errors)', max: 5, ...given });

const targetOf = (name: string, ...metrics: object[]): CustomTarget => ({
  key: `shop/${name}`,
  primary: name,
  canary: `${name}-canary`,
  intervalMs: 90_000,
  metrics: metrics.map(metricOf),
});

const NOW = new Date('2026-11-21T02:00:00Z');

const readBy = async (servers: Record<string, MetricServer>, targets: CustomTarget[]) => {
  const reader = createCustomMetricReader({ servers: new Map(Object.entries(servers)), now: () => NOW });
  const readings = await reader.read(targets, new AbortController().signal);
  return targets.map(({ key }) => (readings.get(key) ?? []).map(({ metric: _, ...rest }) => rest));
};

const one = async (server: MetricServer, metric: object) => {
  const [[reading] = []] = await readBy({ default: server }, [targetOf('web', metric)]);
  return reading;
};

describe('the questions', () => {
  it('have their variables filled in, and are asked once however many runs have them', async () => {
    const { server, asked } = fakeServer('prometheus', { query: () => vector(3) });
    const own = {
      name: 'own',
      query: 'a{b="{{ target }}",c="{{ primary }}",d="{{ namespace }}/{{ name }}"}[{{ interval }}]',
    };
    const read = await readBy({ default: server }, [targetOf('web', {}, own), targetOf('api', {})]);
    expect(asked).toEqual(['sum(errors)', 'a{b="web-canary",c="web",d="shop/web"}[1m30s]']);
    const value = { kind: 'value', value: 3, at: NOW.toISOString() };
    expect(read).toEqual([[value, value], [value]]);
  });

  it('look back as far as the metric says', async () => {
    const { server, asked } = fakeServer('prometheus', { query: () => vector(3) });
    await one(server, { query: 'rate(a[{{ interval }}])', interval: '5m' });
    expect(asked).toEqual(['rate(a[5m])']);
  });

  it('of several pointers into one document are one GET', async () => {
    const { server, asked } = fakeServer('web', { get: () => json({ a: 1, b: '2.5' }) });
    const read = await readBy({ app: server }, [
      targetOf(
        'web',
        { server: 'app', query: '/{{ canary }}', jsonPointer: '/a' },
        { name: 'b', server: 'app', query: '/{{ canary }}', jsonPointer: '/b' },
      ),
    ]);
    expect(asked).toEqual(['/web-canary']);
    expect(read[0]).toMatchObject([{ value: 1 }, { value: 2.5 }]);
  });

  it('go to no server that is not configured, or of another type', async () => {
    const prometheus = fakeServer('prometheus', {}).server;
    const app = fakeServer('web', {}).server;
    const read = await readBy({ app, prom: prometheus }, [
      targetOf(
        'web',
        { server: 'evil' },
        { name: 'b' },
        { name: 'c', server: 'app' },
        { name: 'd', server: 'prom', query: '/', jsonPointer: '' },
      ),
    ]);
    expect(read[0]).toMatchObject([
      {
        kind: 'unavailable',
        reason: 'MetricsServerUnknown',
        message: "no metrics server evil is in Kanari's configuration (app, prom are)",
      },
      { reason: 'MetricsServerUnknown', message: expect.stringContaining('no metrics server default is') },
      {
        kind: 'unavailable',
        reason: 'MetricQueryUnfit',
        message: 'the metrics server app answers in JSON: a jsonPointer is expected',
      },
      { reason: 'MetricQueryUnfit', message: expect.stringContaining('prom is asked in PromQL') },
    ]);
  });

  it('are eight at a time to one server, and a server that hangs holds up no other', async () => {
    const hanging: (() => void)[] = [];
    const slow = fakeServer('prometheus', {
      query: () => new Promise((resolve) => hanging.push(() => resolve(vector(1)))),
    });
    const quick = fakeServer('prometheus', { query: () => vector(1) });
    const metrics = Array.from({ length: 20 }, (_, n) => [
      { name: `s${n}`, server: 'slow', query: `a${n}` },
      { name: `q${n}`, server: 'quick', query: `a${n}` },
    ]).flat();
    const reading = readBy({ slow: slow.server, quick: quick.server }, [targetOf('web', ...metrics)]);
    await new Promise(setImmediate);
    expect([slow.asked.length, quick.asked.length]).toEqual([8, 20]);
    while (hanging.length > 0) {
      for (const answer of hanging.splice(0)) answer();
      await new Promise(setImmediate);
    }
    expect((await reading)[0]?.every(({ kind }) => kind === 'value')).toBe(true);
    expect(slow.asked).toHaveLength(20);
  });

  it('that found no time in one look are the first of the next', async () => {
    let patient = false;
    const { server, asked } = fakeServer('prometheus', {
      query: (_, signal) =>
        patient
          ? vector(1)
          : new Promise((resolve) => signal.addEventListener('abort', () => resolve(vector(1)))),
    });
    const metrics = Array.from({ length: 10 }, (_, n) => ({ name: `m${n}`, query: `a${n}` }));
    const reader = createCustomMetricReader({
      servers: new Map([['default', server]]),
      now: () => NOW,
      budgetMs: 20,
    });
    const look = () => reader.read([targetOf('web', ...metrics)], new AbortController().signal);
    const [first] = [...(await look()).values()];
    expect(first?.at(-1)).toMatchObject({
      kind: 'unavailable',
      reason: 'MetricNotRead',
      message: 'not asked within 20ms: others came first',
    });
    patient = true;
    asked.length = 0;
    const late = targetOf('api', { query: 'late' });
    const [, second] = [
      ...(await reader.read([late, targetOf('web', ...metrics)], new AbortController().signal)).values(),
    ];
    expect(second?.every(({ kind }) => kind === 'value')).toBe(true);
    expect(asked.at(-1)).toBe('late');
  });
});

describe('one value', () => {
  it.each<[string, Answer, object]>([
    ['a sample', vector(0), { kind: 'value', value: 0 }],
    ['no sample', vector(), { kind: 'empty', reason: 'NoSamples', message: 'the query has no result' }],
    [
      'several',
      vector(1, 2, 3),
      {
        kind: 'empty',
        reason: 'SeveralSeries',
        message: 'the query has 3 results: sum() or another aggregation makes it one',
      },
    ],
    [
      'NaN',
      vector(Number.NaN),
      { kind: 'empty', reason: 'SamplesNotNumeric', message: 'the query results in NaN' },
    ],
    ['infinity', vector(Number.NEGATIVE_INFINITY), { kind: 'empty', reason: 'SamplesNotNumeric' }],
    [
      'an error',
      { ok: false, reason: 'MetricsServerError', message: 'HTTP 400' },
      { kind: 'unavailable', reason: 'MetricsServerError', message: 'HTTP 400' },
    ],
  ])('of a query that answers %s', async (_, answer, expected) => {
    const { server } = fakeServer('prometheus', { query: () => answer });
    expect(await one(server, {})).toMatchObject(expected);
  });

  it.each<[string, HttpOutcome, object]>([
    ['a number', json({ data: [{ value: -1.5 }] }), { kind: 'value', value: -1.5 }],
    ['a text that is a number', json({ data: [{ value: '1e-3' }] }), { kind: 'value', value: 0.001 }],
    [
      'nothing there',
      json({ data: [] }),
      { kind: 'empty', reason: 'ValueNotFound', message: 'the answer has nothing at /data/0/value' },
    ],
    [
      'a text',
      json({ data: [{ value: 'many' }] }),
      { kind: 'empty', reason: 'SamplesNotNumeric', message: '/data/0/value is no number: "many"' },
    ],
    ['null', json({ data: [{ value: null }] }), { kind: 'empty', reason: 'SamplesNotNumeric' }],
    ['an empty text', json({ data: [{ value: '' }] }), { kind: 'empty', reason: 'SamplesNotNumeric' }],
    ['true', json({ data: [{ value: true }] }), { kind: 'empty', reason: 'SamplesNotNumeric' }],
    [
      'too large a number',
      json('{"data":[{"value":1e999}]}'),
      { kind: 'empty', reason: 'SamplesNotNumeric' },
    ],
    [
      'no JSON',
      json('<html>'),
      { kind: 'unavailable', reason: 'MetricsAnswerInvalid', message: 'the answer is not JSON' },
    ],
    ['an error', json({}, 500), { kind: 'unavailable', reason: 'MetricsServerError' }],
    ['nothing with a good status', json('', 204), { kind: 'unavailable', reason: 'MetricsServerError' }],
    ['a redirect', json('', 302), { kind: 'unavailable', reason: 'MetricsServerRedirects' }],
    [
      'nobody',
      { kind: 'unreachable', message: 'ECONNREFUSED' },
      { kind: 'unavailable', reason: 'MetricsServerUnreachable' },
    ],
    [
      'too much',
      { kind: 'unusable', message: 'too large' },
      { kind: 'unavailable', reason: 'MetricsAnswerInvalid' },
    ],
    [
      'no credentials',
      { kind: 'uncredentialed', message: 'no file' },
      { kind: 'unavailable', reason: 'MetricsCredentialsMissing' },
    ],
  ])('of a document with %s', async (_, outcome, expected) => {
    const { server } = fakeServer('web', { get: () => outcome });
    expect(await one(server, { query: '/', jsonPointer: '/data/0/value' })).toMatchObject(expected);
  });
});
