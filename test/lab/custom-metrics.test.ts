import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBinaries } from '../../lab/binaries.ts';
import { FIRST_START_MS } from '../../lab/lab.ts';
import { type MetricsServer, startMetricsServer } from '../../lab/metrics-server.ts';
import { freePorts } from '../../lab/ports.ts';
import { type Prometheus, startPrometheus } from '../../lab/prometheus.ts';
import type { CanaryPolicy } from '../../src/core/canary-policy.ts';
import { eventually, type Shop, startWorld, type World, web } from './shop.ts';

// Metrics of users' own: what the API server says to them, and what becomes of the runs that they judge. There is a
// real Prometheus, a server that answers in JSON, and one that is away at first.

const QUEUE = `
queue_length{namespace="kept",workload="web-canary"} 3
queue_length{namespace="kept",workload="web"} 90
queue_length{namespace="missed",workload="web-canary"} 9
`;

/** Paths that the servers in JSON were asked for. */
const asked: string[] = [];

/** Nobody else listens there, so that a port that is free stays free. */
const OWN_ADDRESS = '127.77.77.77';

const serveJson = async (port: number): Promise<Server> => {
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(JSON.stringify({ data: [{ rate: '0.002' }] }));
  });
  await new Promise<void>((resolve) => server.listen(port, OWN_ADDRESS, resolve));
  return server;
};

let world: World;
let dir: string;
let latePort: number;
let exporter: MetricsServer;
let prometheus: Prometheus;
const servers: Server[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kanari-custom-metrics-'));
  const [{ prometheus: program }, [jsonPort = 0, awayPort = 0]] = await Promise.all([
    ensureBinaries(['prometheus']),
    freePorts(2),
  ]);
  latePort = awayPort;
  servers.push(await serveJson(jsonPort));
  exporter = await startMetricsServer(() => QUEUE);
  prometheus = await startPrometheus({ program, dir: join(dir, 'prometheus'), targetUrl: exporter.url });
  const metricServers = [
    { name: 'queues', url: prometheus.url },
    { name: 'app', type: 'web', url: `http://${OWN_ADDRESS}:${jsonPort}/api` },
    { name: 'late', type: 'web', url: `http://${OWN_ADDRESS}:${latePort}` },
  ];
  const integrations = join(dir, 'integrations.yaml');
  await writeFile(integrations, JSON.stringify({ metricServers }));
  world = await startWorld({ integrations });
}, FIRST_START_MS);

afterAll(async () => {
  await Promise.all([world?.stop(), prometheus?.stop()]);
  await exporter?.stop();
  for (const server of servers) server.close();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

const policy = (spec: CanaryPolicy['spec'] & object): CanaryPolicy => ({
  apiVersion: 'kanari.dev/v1alpha1',
  kind: 'CanaryPolicy',
  metadata: { name: 'careful' },
  spec,
});

describe('the API server', () => {
  let shop: Shop;
  const answerTo = async (metric: object): Promise<string> => {
    const metrics = [{ name: 'errors', query: 'sum(errors)', max: 5, ...metric }];
    const { stdout, stderr } = await shop.tryKubectl(
      ['apply', '--dry-run=server', '-f', '-'],
      policy({ metrics }),
    );
    return stdout + stderr;
  };
  beforeAll(async () => {
    shop = await world.openShop('answers');
  });

  it.each<object>([
    { query: 'sum(rate(a{b="{{ canary }}", c=~\'{{primary}}-.*\', d=`{{ namespace }}`}[{{ interval }}]))' },
    { query: '{__name__="{{ name }}_total"} # {{ target }}, don\'t' },
    { query: 'a{b="\\"{{ canary }}"}\n/ 2' },
    { query: '/errors?service={{ canary }}', jsonPointer: '/data/0/a~1b', server: 'billing' },
    { query: '/', jsonPointer: '' },
    { interval: '1m30s', min: -1.5, max: 1e9 },
  ])('takes %j', async (metric) => {
    expect(await answerTo(metric)).toContain('created (server dry run)');
  });

  it.each<[object, string]>([
    [
      { query: 'a{b="{{ who }}"}' },
      'spec.metrics[0].query: Invalid value: "a{b=\\"{{ who }}\\"}": expected each {{ to begin one of',
    ],
    [{ query: 'a{b="{{ canary"}' }, 'spec.metrics[0].query: Invalid value'],
    [
      { query: '{{ name }}_total' },
      'spec.metrics[0].query: Invalid value: expected strings that end, and variables other than',
    ],
    [{ query: 'a{b="c}' }, 'spec.metrics[0].query: Invalid value: expected strings that end'],
    [{ query: "a # don't {{ name }}\n+ {{ name }}" }, 'expected strings that end, and variables other than'],
    [
      { query: 'errors', jsonPointer: '/a' },
      'spec.metrics[0].query: Invalid value: expected a path that begins with one / beside jsonPointer',
    ],
    [{ query: '//evil.example/', jsonPointer: '/a' }, 'expected a path that begins with one /'],
    [{ jsonPointer: 'a', query: '/' }, 'spec.metrics[0].jsonPointer: Invalid value: "a"'],
    [{ min: 7 }, 'spec.metrics[0]: Invalid value: max: expected not less than min'],
    [{ max: null }, 'spec.metrics[0]: Invalid value: expected min or max (example: max: 500)'],
    [{ name: 'two\nlines' }, 'spec.metrics[0].name: Invalid value'],
    [
      { interval: '0s' },
      'spec.metrics[0].interval: Invalid value: "0s": expected a duration from 1s to 24h, got 0s (example: 5m)',
    ],
    [{ server: 'http://evil' }, 'spec.metrics[0].server: Invalid value: "http://evil"'],
  ])('refuses %j in words', async (metric, words) => {
    expect(await answerTo(metric)).toContain(words);
  });
});

const ANNOTATIONS = { 'kanari.dev/policy': 'careful', 'kanari.dev/interval': '5s', 'kanari.dev/steps': '50' };
const LENGTH = 'queue_length{namespace="{{ namespace }}",workload="{{ canary }}"}';
const RATE = {
  name: 'rate',
  server: 'app',
  query: '/{{ namespace }}/{{ canary }}?window={{ interval }}',
  jsonPointer: '/data/0/rate',
  max: 0.01,
};

/** A canary of `web` that these metrics judge. */
const released = async (namespace: string, metrics: object[], spec: object = {}): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations: ANNOTATIONS });
  await shop.opens();
  await shop.apply(policy({ metrics, ...spec }));
  await shop.apply(web('v2'));
  return shop;
};

const statusIs = (shop: Shop, expected: object): Promise<void> =>
  eventually(async () => expect((await shop.canary()).status).toMatchObject(expected));

describe.concurrent('a run', () => {
  it('whose metrics keep their bounds is promoted, of workers too', async () => {
    const shop = await released(
      'kept',
      [
        { name: 'queue', server: 'queues', query: `sum(${LENGTH})`, max: 5 },
        { name: 'workers', server: 'queues', query: `scalar(${LENGTH})`, min: 1 },
        RATE,
      ],
      { traffic: 'none' },
    );
    const { status } = await shop.reaches('Succeeded');
    expect(status?.history[0]).toMatchObject({ outcome: 'Promoted' });
    const verdicts = status?.checks.map(({ metric, value, limit, reason }) => [metric, value, limit, reason]);
    expect(verdicts?.slice(1)).toEqual([
      ['queue', '3', '≤ 5', 'MetricKept'],
      ['workers', '3', '≥ 1', 'MetricKept'],
      ['rate', '0.002', '≤ 0.01', 'MetricKept'],
    ]);
    expect(asked).toContain('/api/kept/web-canary?window=5s');
  });

  it('of which one misses its bound is withdrawn, and says what was seen', async () => {
    const metrics = [{ name: 'queue', server: 'queues', query: LENGTH, max: 5 }, RATE];
    const shop = await released('missed', metrics, { threshold: 1 });
    const { status } = await shop.reaches('Failed');
    expect(status?.history[0]).toMatchObject({ outcome: 'RolledBack', reason: 'ThresholdReached' });
    await eventually(async () =>
      expect((await shop.events()).map(({ message }) => message)).toContainEqual(
        expect.stringContaining('Rolling back web failed checks threshold reached 1: queue 9 > 5'),
      ),
    );
  });

  it('holds its weight while a server is away, and goes on when it is there', async () => {
    const shop = await released('away', [{ ...RATE, server: 'late' }]);
    await statusIs(shop, {
      phase: 'Progressing',
      reason: 'MetricsServerUnreachable',
      canaryWeight: 50,
      failedChecks: 0,
      message: expect.stringContaining('rate: the metrics server gives no answer: ECONNREFUSED'),
    });
    servers.push(await serveJson(latePort));
    await shop.reaches('Succeeded');
  });

  it('that asks a server which the operator does not name, or for no one value, waits and says so', async () => {
    const shop = await released('unknown', [{ ...RATE, server: 'elsewhere' }]);
    await statusIs(shop, {
      reason: 'MetricsServerUnknown',
      message: expect.stringContaining(
        "rate: no metrics server elsewhere is in Kanari's configuration (app, late, queues are)",
      ),
    });
    const every = { name: 'queue', server: 'queues', query: 'queue_length', max: 5 };
    await shop.apply(policy({ metrics: [every] }));
    await statusIs(shop, {
      reason: 'SeveralSeries',
      message: expect.stringContaining('queue: the query has 3 results: sum() or another aggregation'),
    });
    await shop.apply(policy({ metrics: [{ ...every, query: 'sum(rate(queue_length))' }] }));
    await statusIs(shop, { reason: 'MetricsServerError', message: expect.stringContaining('HTTP 400') });
  });
});
