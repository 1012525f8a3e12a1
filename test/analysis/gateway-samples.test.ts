import { expect, it } from 'vitest';
import type { MetricTarget } from '../../src/analysis/metric-provider.ts';
import { createPrometheusProvider } from '../../src/analysis/prometheus.ts';
import { proxyCounters } from '../../src/core/evidence.ts';
import type { ObjectKey } from '../../src/core/objects.ts';

// What gateways' proxies count of a canary's Service, beside what Istio knows.

const target = (key: ObjectKey, canaryServices: string[]): MetricTarget => ({
  key,
  workload: `${key.split('/')[1] ?? ''}-canary`,
  canaryServices,
  latency: { quantile: 0.99, limitMs: 500 },
});
const WEB = target('shop/web', ['web-canary']);

type Labels = Record<string, string>;
type Sample = [labels: Labels, value: number];

const SCRAPED_AT = Date.parse('2026-11-21T02:01:00.500Z') / 1000;

const cluster = (name: string, proxy = 'a'): Labels => ({
  envoy_cluster_name: name,
  pod: proxy,
  job: 'envoy',
  instance: `${proxy}:8002`,
});
const counts = (of: Labels, answers: number, code = '2'): Sample => [
  { ...of, envoy_response_code_class: code, kanari_part: 'counts' },
  answers,
];
/** As a proxy has it that got no answer yet. */
const none = (of: Labels): Sample => [{ ...of, kanari_part: 'counts' }, 0];
const scraped = (name: string, at = SCRAPED_AT): Sample => [
  { envoy_cluster_name: name, kanari_part: 'scraped' },
  at,
];
const buckets = (of: Labels, within: Record<string, number>): Sample[] =>
  Object.entries(within).map(([le, value]) => [{ ...of, le }, value]);

/** A metrics server with these series; what it is asked is kept. */
const serverWith = (series: { envoy?: Sample[]; envoyLatency?: Sample[]; istio?: Sample[] }) => {
  const asked: string[] = [];
  const answerTo = (query: string): Sample[] => {
    if (query.includes('upstream_rq_time')) return series.envoyLatency ?? [];
    if (query.includes('envoy_cluster')) return series.envoy ?? [];
    return query.includes('istio_requests_total') ? (series.istio ?? []) : [];
  };
  const provider = createPrometheusProvider({
    querySets: ['istio', 'envoy'],
    client: {
      query: (query) => {
        asked.push(query);
        return Promise.resolve({
          ok: true,
          series: answerTo(query).map(([labels, value]) => ({ labels, value })),
        });
      },
    },
  });
  const read = async (...targets: MetricTarget[]) =>
    (await provider.read(targets, new AbortController().signal)).get('shop/web');
  return { asked, read };
};

it('reads counters and histogram by proxy', async () => {
  const of = cluster('shop_web-canary_80');
  const { read } = serverWith({
    envoy: [counts(of, 90), counts(of, 6, '4'), counts(of, 4, '5'), none(of), scraped('shop_web-canary_80')],
    envoyLatency: buckets(of, { 250: 80, 500: 95, 1000: 99, '+Inf': 99 }),
  });
  expect(await read(WEB)).toEqual({
    kind: 'samples',
    source: 'envoy',
    at: '2026-11-21T02:01:00.500Z',
    pods: [{ pod: proxyCounters('a'), requests: 100, errors: 4, timed: 99, slow: 4 }],
    latencyEdgeMs: 500,
  });
});

it('adds up the ports of a Service, and the Services of a canary', async () => {
  const clusters = ['shop_web-canary_80', 'shop_web-canary_9090', 'shop_admin-canary_80'];
  const { read } = serverWith({
    envoy: clusters.flatMap((name) => [counts(cluster(name), 10), scraped(name)]),
    envoyLatency: clusters.flatMap((name) => buckets(cluster(name), { 500: 8, '+Inf': 10 })),
  });
  expect(await read(target('shop/web', ['web-canary', 'admin-canary']))).toMatchObject({
    pods: [{ requests: 30, timed: 30, slow: 6 }],
  });
});

it('knows a proxy that has had no answer yet, by its counters at 0', async () => {
  const name = 'shop_web-canary_80';
  const { read } = serverWith({
    envoy: [none(cluster(name, 'a')), counts(cluster(name, 'b'), 3), none(cluster(name, 'b')), scraped(name)],
  });
  expect(await read(WEB)).toMatchObject({
    pods: [
      { pod: proxyCounters('a'), requests: 0 },
      { pod: proxyCounters('b'), requests: 3 },
    ],
  });
});

it('is as old as the cluster that was scraped longest ago', async () => {
  const { read } = serverWith({
    envoy: [
      counts(cluster('shop_web-canary_80'), 1),
      scraped('shop_web-canary_80', SCRAPED_AT),
      scraped('shop_web-canary_81', SCRAPED_AT - 15),
    ],
  });
  expect(await read(WEB)).toMatchObject({ at: '2026-11-21T02:00:45.500Z' });
});

it("leaves other Services' clusters out", async () => {
  const others = ['shop_web-canary-2_80', 'shop_web_80', 'other_web-canary_80'];
  const { read } = serverWith({ envoy: others.flatMap((name) => [counts(cluster(name), 1), scraped(name)]) });
  expect(await read(WEB)).toMatchObject({ kind: 'empty', reason: 'NoSamples' });
});

it("takes Istio's word where it has one: its gateways may be what routes", async () => {
  const workload = { destination_workload_namespace: 'shop', destination_workload: 'web-canary' };
  const { read } = serverWith({
    envoy: [counts(cluster('shop_web-canary_80'), 9), scraped('shop_web-canary_80')],
    istio: [
      [{ ...workload, reporter: 'destination', response_code: '200', pod: 'p', kanari_part: 'counts' }, 5],
      [{ ...workload, reporter: 'destination', kanari_part: 'scraped' }, SCRAPED_AT],
    ],
  });
  expect(await read(WEB)).toMatchObject({ pods: [{ pod: 'p', requests: 5 }] });
  // Whoever counted first goes on: the other has the same requests once more.
  expect(await read({ ...WEB, source: 'envoy' })).toMatchObject({ pods: [{ requests: 9 }] });
});

it('knows nothing of a run whose counters are gone where they were read', async () => {
  const { read } = serverWith({
    envoy: [counts(cluster('shop_web-canary_80'), 9), scraped('shop_web-canary_80')],
  });
  expect(await read({ ...WEB, source: 'istio' })).toMatchObject({ kind: 'empty', reason: 'NoSamples' });
});

it('asks as many queries for a hundred canaries as for one, and none about those without a Service', async () => {
  const many = Array.from({ length: 100 }, (_, n) => target(`shop/web${n}`, [`web${n}-canary`]));
  const [one, all, plain] = [serverWith({}), serverWith({}), serverWith({})];
  await one.read(WEB);
  await all.read(WEB, ...many);
  await plain.read(target('shop/web', []));
  expect([one.asked.length, all.asked.length, plain.asked.length]).toEqual([4, 4, 2]);
  expect(all.asked.filter((query) => query.includes('envoy')).join()).toContain('_(web-canary|web0-canary|');
});
