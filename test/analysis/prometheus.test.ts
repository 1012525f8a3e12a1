import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createMetricClient } from '../../src/analysis/metric-client.ts';
import type { MetricTarget } from '../../src/analysis/metric-provider.ts';
import { createPrometheusProvider } from '../../src/analysis/prometheus.ts';
import { PATIENCE } from '../eventually.ts';
import { type Script, serverAt, startScripted } from './scripted-server.ts';

const TARGET: MetricTarget = {
  key: 'shop/web',
  workload: 'web-canary',
  canaryServices: [],
  latency: { quantile: 0.99, limitMs: 500 },
};

const PLAIN: MetricTarget = { ...TARGET, key: 'shop/plain', latency: 'off' };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

const serve = async (script: Script) => {
  const server = await startScripted(script);
  closers.push(() => server.stop());
  return server;
};

const configOf = (port: number) => serverAt(`http://reader:s3cret@127.0.0.1:${port}/prom/`);

const read = async (port: number, options: { targets?: MetricTarget[]; timeoutMs?: number } = {}) => {
  const logged: string[] = [];
  const client = createMetricClient(configOf(port), {
    timeoutMs: options.timeoutMs ?? PATIENCE.timeout,
    log: { warn: (fields, message) => logged.push(JSON.stringify([fields, message])) },
  });
  const provider = createPrometheusProvider({ client, querySets: ['istio', 'envoy'] });
  const readings = await provider.read(options.targets ?? [TARGET], new AbortController().signal);
  return { readings, reading: readings.get('shop/web'), logged };
};

type Labels = Record<string, string>;
type Sample = [labels: Labels, value: number | string];

const WEB = { destination_workload_namespace: 'shop', destination_workload: 'web-canary' };
const A = { ...WEB, reporter: 'destination', pod: 'a', job: 'pods', instance: '10.0.0.1:15020' };
const B = { ...A, pod: 'b', instance: '10.0.0.2:15020' };
const CLIENT = { ...WEB, reporter: 'source', pod: 'loader', response_code: '503' };
const SCRAPED = Date.parse('2026-11-21T02:01:00.500Z') / 1000;

const counts = (labels: Labels, value: number | string, code = '200'): Sample => [
  { response_code: code, ...labels, kanari_part: 'counts' },
  value,
];
const scraped = (value = SCRAPED, reporter = 'destination'): Sample => [
  { ...WEB, reporter, kanari_part: 'scraped' },
  value,
];
const bucket = (labels: Labels, le: string, value: number | string): Sample => [{ ...labels, le }, value];

const vector = (samples: Sample[]): string =>
  JSON.stringify({
    status: 'success',
    data: {
      resultType: 'vector',
      result: samples.map(([metric, value]) => ({ metric, value: [1, String(value)] })),
    },
  });

/** A server with these counters. */
const serveSamples = (requests: Sample[], latency: Sample[] = []) =>
  serve(({ query }, response) => {
    response.end(vector(query.includes('istio_requests_total') ? requests : latency));
  });

describe('prometheus provider', () => {
  it('joins counters and histogram by pod, stamped when they were scraped', async () => {
    const { port } = await serveSamples(
      [counts(A, 90), counts(A, 6, '404'), counts(A, 4, '503'), counts(B, 10), scraped()],
      [bucket(A, '250', 80), bucket(A, '500', 95), bucket(A, '1000', 99), bucket(A, '+Inf', 99)],
    );
    expect((await read(port)).reading).toEqual({
      kind: 'samples',
      source: 'istio',
      at: '2026-11-21T02:01:00.500Z',
      pods: [
        { pod: 'a', requests: 100, errors: 4, timed: 99, slow: 4 },
        { pod: 'b', requests: 10, errors: 0, timed: 0, slow: 0 },
      ],
      latencyEdgeMs: 500,
    });
  });

  it('counts slow requests at the next edge above the limit, and names it', async () => {
    const { port } = await serveSamples(
      [counts(A, 10), scraped()],
      [bucket(A, '400', 5), bucket(A, '1000', 8), bucket(A, '+Inf', 10)],
    );
    expect((await read(port)).reading).toMatchObject({ pods: [{ timed: 10, slow: 2 }], latencyEdgeMs: 1000 });
  });

  it.each([
    ['pod', { pod: 'p', kubernetes_pod_name: 'k', instance: 'i' }, 'p'],
    ['kubernetes_pod_name', { kubernetes_pod_name: 'k', instance: 'i' }, 'k'],
    ['instance', { instance: 'i' }, 'i'],
  ])('names a pod by its label %s', async (_, labels, name) => {
    const { port } = await serveSamples([
      counts({ ...WEB, reporter: 'destination', ...labels }, 1),
      scraped(),
    ]);
    expect((await read(port)).reading).toMatchObject({ pods: [{ pod: name }] });
  });

  it('counts a pod once that two jobs scrape', async () => {
    const { port } = await serveSamples([counts(A, 10), counts({ ...A, job: 'services' }, 11), scraped()]);
    expect((await read(port)).reading).toMatchObject({ pods: [{ pod: 'a', requests: 11 }] });
  });

  it('counts series of one pod together that differ by who asked', async () => {
    const { port } = await serveSamples([
      counts({ ...A, source_workload: 'loader' }, 10),
      counts({ ...A, source_workload: 'unknown' }, 7),
      scraped(),
    ]);
    expect((await read(port)).reading).toMatchObject({ pods: [{ pod: 'a', requests: 17 }] });
  });

  it("keeps what a client's proxy could not deliver apart, as errors", async () => {
    const { port } = await serveSamples([
      counts(A, 10),
      counts(CLIENT, 3),
      scraped(),
      scraped(9e9, 'source'),
    ]);
    expect((await read(port)).reading).toMatchObject({
      at: '2026-11-21T02:01:00.500Z',
      pods: [
        { pod: 'a', requests: 10, errors: 0 },
        { pod: 'client/loader', requests: 3, errors: 3 },
      ],
    });
  });

  it('asks two queries however many canaries there are, and gives each its own', async () => {
    const targets = Array.from({ length: 50 }, (_, i) => ({
      ...TARGET,
      key: `ns-${i}/web` as const,
      workload: `web-${i}.x-canary`,
    }));
    const { port, asked } = await serveSamples([
      counts({ ...A, destination_workload_namespace: 'ns-7', destination_workload: 'web-7.x-canary' }, 5),
      scraped(),
    ]);
    const { readings } = await read(port, { targets });
    expect(asked).toHaveLength(2);
    expect(readings.size).toBe(50);
    expect(readings.get('ns-8/web')).toMatchObject({ kind: 'empty', reason: 'NoSamples' });
    expect(asked[0]?.query).toContain(String.raw`web-7\\.x-canary|`);
  });

  it('asks for no histogram when nobody wants one, and nothing for no canary', async () => {
    const { port, asked } = await serveSamples([counts(A, 1), scraped()]);
    await read(port, { targets: [{ ...TARGET, latency: 'off' }] });
    expect(asked).toHaveLength(1);
    expect((await read(port, { targets: [] })).readings.size).toBe(0);
    expect(asked).toHaveLength(1);
  });

  it('takes what the server says beside the answer for no warning', async () => {
    const { port } = await serve((_, response) => {
      response.end(
        vector([counts(A, 1), scraped()]).replace('{', '{"infos":["metric might not be a counter"],'),
      );
    });
    expect((await read(port, { targets: [PLAIN] })).readings.get('shop/plain')).toMatchObject({
      kind: 'samples',
    });
  });

  it('lets a histogram that fails harm only those who want one', async () => {
    const { port } = await serve(({ query }, response) => {
      if (!query.includes('istio_requests_total')) response.statusCode = 422;
      response.end(vector([counts(A, 1), scraped()]));
    });
    const { readings } = await read(port, { targets: [TARGET, PLAIN] });
    expect(readings.get('shop/web')).toMatchObject({ kind: 'unavailable', reason: 'MetricsServerError' });
    expect(readings.get('shop/plain')).toMatchObject({ kind: 'samples' });
  });
});

describe('prometheus provider, with samples that can not be used', () => {
  const rows: Record<string, { requests: Sample[]; latency?: Sample[]; reason: string }> = {
    none: { requests: [], reason: 'NoSamples' },
    'none of this canary': {
      requests: [counts({ ...A, destination_workload: 'api-canary' }, 5)],
      reason: 'NoSamples',
    },
    NaN: { requests: [counts(A, 'NaN'), scraped()], reason: 'SamplesNotNumeric' },
    '+Inf': { requests: [counts(A, '+Inf'), scraped()], reason: 'SamplesNotNumeric' },
    'words for numbers': { requests: [counts(A, 'many'), scraped()], reason: 'SamplesNotNumeric' },
    'nothing for a number': { requests: [counts(A, ''), scraped()], reason: 'SamplesNotNumeric' },
    'a negative counter': { requests: [counts(A, -1), scraped()], reason: 'SamplesNotNumeric' },
    'a time that is none': { requests: [counts(A, 1), scraped(Number.NaN)], reason: 'SamplesNotNumeric' },
    'a time beyond all calendars': { requests: [counts(A, 1), scraped(1e300)], reason: 'SamplesNotNumeric' },
    'NaN in the histogram': {
      requests: [counts(A, 1), scraped()],
      latency: [bucket(A, '+Inf', 'NaN')],
      reason: 'SamplesNotNumeric',
    },
    'a limit above all buckets: nothing could ever be slow': {
      requests: [counts(A, 1), scraped()],
      latency: [bucket(A, '100', 1), bucket(A, '+Inf', 1)],
      reason: 'LatencyLimitAboveBuckets',
    },
  };

  it.each(Object.entries(rows))('%s', async (_, { requests, latency, reason }) => {
    const { port } = await serveSamples(requests, latency);
    expect((await read(port)).reading).toMatchObject({ kind: 'empty', reason });
  });
});

describe('prometheus provider, with a server that is hostile or ill', () => {
  const answer =
    (body: string, status = 200): Script =>
    (_, response) => {
      response.statusCode = status;
      response.end(body);
    };

  const rows: Record<string, { script: Script; reason: string; timeoutMs?: number }> = {
    'HTTP 500': { script: answer('oops', 500), reason: 'MetricsServerError' },
    'HTTP 503 with JSON': {
      script: answer('{"status":"error","error":"loading"}', 503),
      reason: 'MetricsServerError',
    },
    'HTTP 401': { script: answer('', 401), reason: 'MetricsServerError' },
    'an error with HTTP 200': {
      script: answer('{"status":"error","errorType":"execution","error":"too many samples"}'),
      reason: 'MetricsServerError',
    },
    'a redirect, which is not followed': {
      script: (_, response) => {
        response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
      },
      reason: 'MetricsServerRedirects',
    },
    HTML: { script: answer('<html>log in</html>'), reason: 'MetricsAnswerInvalid' },
    'JSON of something else': { script: answer('[1, 2]'), reason: 'MetricsAnswerInvalid' },
    'half an answer': { script: answer('{"status":"succ'), reason: 'MetricsAnswerInvalid' },
    'no data': { script: answer('{"status":"success"}'), reason: 'MetricsAnswerInvalid' },
    'a vector of another shape': {
      script: answer('{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}'),
      reason: 'MetricsAnswerInvalid',
    },
    'a warning of partial data': {
      script: answer(
        '{"status":"success","warnings":["a store is away"],"data":{"resultType":"vector","result":[]}}',
      ),
      reason: 'MetricsAnswerPartial',
    },
    'a compressed answer': {
      script: (_, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end('\x1f\x8b');
      },
      reason: 'MetricsAnswerInvalid',
    },
    'an answer without end': {
      script: (_, response) => {
        const chunk = Buffer.alloc(1024 * 1024, 32);
        const more = () => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', more);
        more();
      },
      reason: 'MetricsAnswerInvalid',
    },
    'a gzip bomb': {
      script: (_, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(64 * 1024 * 1024)));
      },
      reason: 'MetricsAnswerInvalid',
    },
    'a gzip bomb that is not declared': {
      script: (_, response) => {
        response.end(gzipSync(Buffer.alloc(1024 * 1024)));
      },
      reason: 'MetricsAnswerInvalid',
    },
    'more than its length says': {
      script: (_, response) => {
        response.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"status":"success"}');
      },
      reason: 'MetricsAnswerInvalid',
    },
    'headers without end': {
      script: (_, response) => {
        response.socket?.write(`HTTP/1.1 200 OK\r\n${'x-more: of them\r\n'.repeat(10_000)}`);
      },
      reason: 'MetricsServerUnreachable',
    },
    'another protocol': {
      script: (_, response) => {
        response.socket?.end('SSH-2.0-OpenSSH_9.9\r\n');
      },
      reason: 'MetricsServerUnreachable',
    },
    'one byte after the other': {
      script: (_, response) => {
        const dripping = setInterval(() => response.write(' '), 5);
        response.on('close', () => clearInterval(dripping));
      },
      reason: 'MetricsServerUnreachable',
      timeoutMs: 100,
    },
    silence: { script: () => undefined, reason: 'MetricsServerUnreachable', timeoutMs: 50 },
    'silence after the headers': {
      script: (_, response) => {
        response.write('{"status":');
      },
      reason: 'MetricsServerUnreachable',
      timeoutMs: 50,
    },
    'a reset': { script: (_, response) => response.destroy(), reason: 'MetricsServerUnreachable' },
    'a connection cut in the middle': {
      script: (_, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"status":', () => response.destroy());
      },
      reason: 'MetricsServerUnreachable',
    },
  };

  it.each(Object.entries(rows))('%s is a reading, and no credential is logged', async (_, row) => {
    const { port } = await serve(row.script);
    const { reading, logged } = await read(port, row.timeoutMs ? { timeoutMs: row.timeoutMs } : {});
    expect(reading).toMatchObject({ kind: 'unavailable', reason: row.reason });
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.join()).not.toMatch(/s3cret|reader|Basic/);
  });

  it('silence ends at the deadline, however much memory is collected meanwhile', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { port } = await serve((_, response) => {
      response.write('{');
    });
    const collecting = setInterval(collect, 10);
    const { reading } = await read(port, { timeoutMs: 300 });
    clearInterval(collecting);
    expect(reading).toMatchObject({ kind: 'unavailable', reason: 'MetricsServerUnreachable' });
  });

  it('a refused connection is a reading', async () => {
    const { port } = await serve(() => undefined);
    await Promise.all(closers.splice(0).map((close) => close()));
    expect((await read(port)).reading).toMatchObject({ reason: 'MetricsServerUnreachable' });
  });

  it('a caller that gives up gets a reading', async () => {
    const { port } = await serve(() => undefined);
    const log = { warn: () => undefined };
    const client = createMetricClient(configOf(port), { timeoutMs: 60_000, log });
    const provider = createPrometheusProvider({ client, querySets: ['istio', 'envoy'] });
    const stop = new AbortController();
    const readings = provider.read([TARGET], stop.signal);
    stop.abort();
    expect((await readings).get('shop/web')).toMatchObject({ kind: 'unavailable' });
  });

  // Well-formed: a custom metric may have one, so that it is no fault to log.
  it('takes no scalar for series', async () => {
    const { port } = await serve(
      answer('{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}'),
    );
    const { reading } = await read(port);
    expect(reading).toMatchObject({ kind: 'unavailable', reason: 'MetricsAnswerInvalid' });
  });
});
