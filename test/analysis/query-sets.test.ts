import { describe, expect, it, test } from 'vitest';
import type { MetricTarget } from '../../src/analysis/metric-provider.ts';
import { createPrometheusProvider } from '../../src/analysis/prometheus.ts';
import type { Series } from '../../src/analysis/prometheus-answer.ts';
import type { ObjectKey } from '../../src/core/objects.ts';
import { QUERY_SETS, type QuerySetName } from '../../src/integrations/schema.ts';

// What the series of each data plane mean. That the queries find them is test/lab/metric-sources.test.ts.

const SCRAPED_AT = Date.parse('2026-11-21T02:01:00Z') / 1000;

const target = (key: ObjectKey, fields: Partial<MetricTarget> = {}): MetricTarget => {
  const name = key.split('/')[1] ?? '';
  return {
    key,
    workload: `${name}-canary`,
    canaryServices: [`${name}-canary`],
    latency: { quantile: 0.99, limitMs: 300 },
    ...fields,
  };
};
const WEB = target('shop/web');
const COMPARED = target('shop/web', { primary: { workload: 'web', services: ['web'] } });

type Labels = Record<string, string>;

/** What only the data plane's own queries say. */
const METRIC: Record<QuerySetName, string> = {
  istio: 'istio_',
  linkerd: 'direction="inbound"',
  envoy: 'envoy_',
  traefik: 'traefik_',
  nginx: 'nginx_',
};

/** A server that answers the queries of one data plane, as long as its metrics are asked for. */
const serverOf = (set: QuerySetName, requests: Series[], latency: Series[] = []) => {
  const asked: string[] = [];
  const query = (promql: string) => {
    asked.push(promql);
    const series = promql.includes('_bucket{') ? latency : requests;
    return Promise.resolve({ ok: true as const, series: promql.includes(METRIC[set]) ? series : [] });
  };
  const read = async (targets: MetricTarget[], querySets: readonly QuerySetName[] = QUERY_SETS) => {
    const provider = createPrometheusProvider({ client: { query }, querySets });
    return provider.read(targets, new AbortController().signal);
  };
  return { asked, read };
};

const PROXY = { pod: 'p', job: 'j', instance: 'i' };
const counts = (labels: Labels, value: number): Series => ({
  labels: { ...PROXY, ...labels, kanari_part: 'counts' },
  value,
});
const scraped = (labels: Labels, value = SCRAPED_AT): Series => ({
  labels: { ...labels, kanari_part: 'scraped' },
  value,
});
const bucket = (labels: Labels, le: string, value: number): Series => ({
  labels: { ...PROXY, ...labels, le },
  value,
});

interface Plane {
  set: QuerySetName;
  /** Labels of the series of a workload and its Service. */
  of: (name: string) => Labels;
  fine: Labels;
  failed: Labels;
  /** Upper edges of 300 and 500 ms. */
  edges: [string, string];
  owner: string;
}

const PLANES: Plane[] = [
  {
    set: 'istio',
    of: (name) => ({
      reporter: 'destination',
      destination_workload_namespace: 'shop',
      destination_workload: name,
    }),
    fine: { response_code: '404' },
    failed: { response_code: '503' },
    edges: ['300', '500'],
    owner: 'p',
  },
  {
    set: 'linkerd',
    of: (name) => ({ namespace: 'shop', deployment: name }),
    fine: { classification: 'success', status_code: '200' },
    failed: { classification: 'failure', status_code: '200' },
    edges: ['300', '500'],
    owner: 'p',
  },
  {
    set: 'envoy',
    of: (name) => ({ envoy_cluster_name: `shop_${name}_80` }),
    fine: { envoy_response_code_class: '4' },
    failed: { envoy_response_code_class: '5' },
    edges: ['300', '500'],
    owner: 'proxy/p',
  },
  {
    set: 'traefik',
    of: (name) => ({ service: `shop-${name}-80@kubernetesgateway` }),
    fine: { code: '499' },
    failed: { code: '504' },
    edges: ['0.3', '0.5'],
    owner: 'proxy/p',
  },
  {
    set: 'nginx',
    of: (name) => ({ exported_namespace: 'shop', exported_service: name, namespace: 'ingress-nginx' }),
    fine: { status: '200' },
    failed: { status: '5xx' },
    edges: ['0.3', '0.5'],
    owner: 'proxy/p',
  },
];

const requestsOf = ({ of, fine, failed }: Plane, name: string, [all, errors]: [number, number]): Series[] => [
  counts({ ...of(name), ...fine }, all - errors),
  counts({ ...of(name), ...failed }, errors),
  scraped(of(name)),
];
const timesOf = (
  { of, edges: [limit, above] }: Plane,
  name: string,
  [all, slow]: [number, number],
): Series[] => [
  bucket(of(name), limit, all - slow),
  bucket(of(name), above, all - 1),
  bucket(of(name), '+Inf', all),
];

describe.each(PLANES)('$set', (plane) => {
  const { set, owner, of } = plane;

  it("tells errors and slow requests of the canary's, at the edge of the limit", async () => {
    const server = serverOf(
      set,
      requestsOf(plane, 'web-canary', [100, 4]),
      timesOf(plane, 'web-canary', [90, 7]),
    );
    expect((await server.read([WEB])).get('shop/web')).toEqual({
      kind: 'samples',
      source: set,
      at: '2026-11-21T02:01:00.000Z',
      pods: [{ pod: owner, requests: 100, errors: 4, timed: 90, slow: 7 }],
      latencyEdgeMs: 300,
    });
  });

  it('tells of the primary beside it, where it is asked to', async () => {
    const requests = [...requestsOf(plane, 'web-canary', [100, 4]), ...requestsOf(plane, 'web', [900, 9])];
    const times = [...timesOf(plane, 'web-canary', [90, 7]), ...timesOf(plane, 'web', [800, 8])];
    const server = serverOf(set, requests, times);
    const canary = [{ pod: owner, requests: 100, errors: 4, timed: 90, slow: 7 }];
    expect((await server.read([COMPARED])).get('shop/web')).toMatchObject({
      pods: canary,
      primary: [{ pod: owner, requests: 900, errors: 9, timed: 800, slow: 8 }],
    });
    const alone = (await server.read([WEB])).get('shop/web');
    expect(alone).toMatchObject({ pods: canary });
    expect(alone).not.toHaveProperty('primary');
  });

  it('has nothing of a primary that nobody has asked, and no judgement on a count that is none', async () => {
    const ofCanary = requestsOf(plane, 'web-canary', [100, 4]);
    expect((await serverOf(set, ofCanary).read([COMPARED])).get('shop/web')).toMatchObject({ primary: [] });
    const odd = [...ofCanary, counts({ ...of('web'), ...plane.fine }, Number.NaN), scraped(of('web'))];
    expect((await serverOf(set, odd).read([COMPARED])).get('shop/web')).toEqual({
      kind: 'empty',
      reason: 'SamplesNotNumeric',
      message: 'samples of web are not numbers',
    });
  });

  it('says that it has nothing, and is asked the same two queries for one canary and for many', async () => {
    const many = Array.from({ length: 100 }, (_, n) => target(`shop/web${n}`));
    const [one, all] = [serverOf(set, []), serverOf(set, [])];
    expect((await one.read([WEB], [set])).get('shop/web')).toMatchObject({
      kind: 'empty',
      reason: 'NoSamples',
      message: expect.stringMatching(/^no samples of web-canary: /) as string,
    });
    await all.read([WEB, ...many], [set]);
    expect([one.asked.length, all.asked.length]).toEqual([2, 2]);
  });

  it('is left out where the operator lists others', async () => {
    const server = serverOf(set, requestsOf(plane, 'web-canary', [100, 4]));
    const others = QUERY_SETS.filter((name) => name !== set);
    expect((await server.read([WEB], others)).get('shop/web')).toMatchObject({ reason: 'NoSamples' });
    expect(server.asked.filter((promql) => promql.includes(METRIC[set]))).toEqual([]);
  });
});

describe('a service of Traefik', () => {
  const named = async (service: string, of: MetricTarget = WEB) => {
    const labels = { service };
    const server = serverOf('traefik', [counts({ ...labels, code: '200' }, 5), scraped(labels)]);
    const reading = (await server.read([of], ['traefik'])).get(of.key);
    return reading?.kind === 'samples';
  };

  test.each<[string, boolean]>([
    ['shop-web-canary-80@kubernetesgateway', true],
    ['shop-web-canary-8080@kubernetes', true],
    ['httproute-shop-r-gw-infra-g-ep-web-0-1a2b-svc-shop-web-canary-80@kubernetesgateway', true],
    ['shop-web-canary-80@file', false],
    ['shop-web-80@kubernetesgateway', false],
    ['shop-web-canary-2-80@kubernetesgateway', false],
    ['my-shop-web-canary-80@kubernetesgateway', false],
  ])('named %s is web-canary of shop: %s', async (service, isOurs) => {
    expect(await named(service)).toBe(isOurs);
  });

  it('may have -svc- in its name, and two dashes where Traefik has one', async () => {
    const odd = target('shop/my-svc--web', { canaryServices: ['my-svc--web-canary'] });
    expect(await named('shop-my-svc-web-canary-80@kubernetesgateway', odd)).toBe(true);
    const newer = 'httproute-shop-r-svc-gw-g-ep-e-0-1a-svc-shop-my-svc-web-canary-80@kubernetesgateway';
    expect(await named(newer, odd)).toBe(true);
  });
});

it('asks gateways nothing about a canary that no Service leads to, and says so', async () => {
  const bare = target('shop/web', { canaryServices: [] });
  const server = serverOf('envoy', []);
  const readings = await server.read([bare], ['envoy', 'traefik', 'nginx']);
  expect(server.asked).toEqual([]);
  expect(readings.get('shop/web')).toEqual({
    kind: 'empty',
    reason: 'NoSamples',
    message: 'no samples: envoy, traefik, nginx count by Service, and it has none of its own',
  });
});
