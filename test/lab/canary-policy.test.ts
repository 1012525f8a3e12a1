import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { CanaryPolicy } from '../../src/core/canary-policy.ts';
import {
  annotationsOf,
  type EndpointSlice,
  labelsOf,
  type Pod,
  type StringMap,
} from '../../src/core/objects.ts';
import type { CanaryStatus } from '../../src/core/run.ts';
import { documentedPolicies } from '../documented-policies.ts';
import { eventually, imageOf, type Shop, startWorld, type World, web } from './shop.ts';

// A CanaryPolicy as its users write it: what the API server says to it, and what becomes of the runs that it is for.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const policy = (spec: CanaryPolicy['spec'] & object, name = 'careful'): CanaryPolicy => ({
  apiVersion: 'kanari.dev/v1alpha1',
  kind: 'CanaryPolicy',
  metadata: { name },
  spec,
});

/** Every field, as the documentation shows it. */
const WHOLE = {
  steps: [5, 25, 100],
  interval: '1m30s',
  threshold: 3,
  successRate: '99.95',
  latency: 'p99.9<1.5s',
  minRequests: 'auto',
  onNoData: 'pause',
  onFailure: 'freeze',
  progressDeadline: '1h',
  mirror: {},
  sessionAffinity: { cookieName: 'kanari' },
  stepWeightPromotion: 20,
  approve: ['promotion'],
  traffic: 'istio',
  propagationWait: '5s',
  service: ['web'],
  sidecar: 'istio',
  canaryRestarts: true,
  onBusy: 'allow',
  metrics: [{ name: 'errors', query: 'sum(errors)', max: 1.5, interval: '1m' }],
  webhooks: [
    {
      name: 'load',
      type: 'rollout',
      url: 'http://load.shop/',
      timeout: '5s',
      retries: 2,
      metadata: { cmd: 'hey' },
    },
  ],
  alerts: [{ name: 'team', provider: 'slack', severity: 'warn' }],
};

const match = [{ headers: { 'x-user': { exact: 'insider' } } }];

describe('the API server', () => {
  let shop: Shop;
  const answerTo = async (spec: object): Promise<string> => {
    const { stderr } = await shop.tryKubectl(['apply', '--dry-run=server', '-f', '-'], policy(spec as never));
    return stderr;
  };
  beforeAll(async () => {
    shop = await world.openShop('answers');
  });

  it('stores every field', async () => {
    await shop.apply(policy(WHOLE));
    const { stdout } = await shop.kubectl(['get', 'canpol', 'careful', '-o', 'json']);
    expect((JSON.parse(stdout) as CanaryPolicy).spec).toEqual({
      ...WHOLE,
      mirror: { percent: 100 },
      sessionAffinity: { cookieName: 'kanari', maxAge: 86_400 },
    });
    expect((await shop.apply(policy(WHOLE))).stdout).toContain('unchanged');
    const listed = (await shop.kubectl(['get', 'canarypolicies'])).stdout.split('\n');
    expect(listed[0]?.split(/\s+/)).toEqual(['NAME', 'STEPS', 'ITERATIONS', 'INTERVAL', 'THRESHOLD', 'AGE']);
    expect(listed[1]).toMatch(/^careful\s+\[5,25,100\]\s+1m30s\s+3\s/);
  });

  it('explains every field', async () => {
    // The API server publishes a schema some time after it serves its kind.
    await eventually(async () => {
      const { stdout } = await shop.kubectl(['explain', 'canarypolicy.spec', '--recursive']);
      for (const field of [...Object.keys(WHOLE), 'match', 'iterations', 'regex'])
        expect(stdout).toContain(field);
    });
  });

  it.each(documentedPolicies)('takes the example of $place', async ({ policy: { metadata, ...rest } }) => {
    const { namespace } = shop;
    const path = `/apis/kanari.dev/v1alpha1/namespaces/${namespace}/canarypolicies`;
    const example = { ...rest, metadata: { ...metadata, namespace, name: 'example' } };
    await world.lab.api.request('POST', `${path}?dryRun=All&fieldValidation=Strict`, example);
  });

  it.each<[object, string]>([
    [{ steps: [10, 30, 20] }, 'spec.steps: Invalid value: expected each step to be more than the one before'],
    [{ steps: [10, 10] }, 'spec.steps: Invalid value: expected each step to be more than the one before'],
    [{ steps: [10, 120] }, 'spec.steps[1]: Invalid value: 120: spec.steps[1] in body should be less than or'],
    [{ steps: [10], stepWeight: 20 }, 'expected either steps, or stepWeight and maxWeight'],
    [
      { interval: '2s' },
      'spec.interval: Invalid value: "2s": expected a duration from 5s to 24h, got 2s (exam',
    ],
    [
      { interval: 'soon' },
      'spec.interval: Invalid value: "soon": expected a duration from 5s to 24h, got soon',
    ],
    [{ interval: '' }, 'spec.interval: Invalid value: "": expected a duration'],
    [
      { propagationWait: '2h' },
      'spec.propagationWait: Invalid value: "2h": expected a duration from 0s to 1h',
    ],
    [{ successRate: 99.9 }, 'spec.successRate in body must be of type integer,string: "number"'],
    [
      { successRate: '101' },
      'spec.successRate: Invalid value: "101": expected a percentage, 0–100, or "off"',
    ],
    [
      { latency: '500ms' },
      'spec.latency: Invalid value: "500ms": expected a quantile and its limit, or "off"',
    ],
    [
      { minRequests: 0 },
      'spec.minRequests: Invalid value: 0: expected 1–1000000, or auto, got 0 (example: 100)',
    ],
    [{ match }, 'match: expected iterations beside it, the number of checks (example: 10)'],
    [{ iterations: 2, match: [{}] }, 'spec.match[0]: Invalid value: expected headers, cookies or query'],
    [
      { iterations: 2, match: [{ headers: { 'x-user': { exact: 'a', regex: 'b' } } }] },
      'spec.match[0].headers[x-user]: Invalid value: expected exactly one of exact, prefix and regex',
    ],
    [
      { iterations: 2, match: [{ headers: { 'x user': { exact: 'a' } } }] },
      'spec.match[0].headers: Invalid value: expected names of letters',
    ],
    [{ iterations: 2, match: [{ query: { a: { regex: '(' } } }] }, 'spec.match[0].query[a].regex'],
    [{ mirror: { percent: 0 } }, 'spec.mirror.percent in body should be greater than or equal to 1'],
    [{ sessionAffinity: {} }, 'spec.sessionAffinity.cookieName: Required value'],
    [{ sessionAffinity: { cookieName: 'a b' } }, 'spec.sessionAffinity.cookieName: Invalid value: "a b"'],
    [
      { sessionAffinity: { cookieName: 'a' }, iterations: 3 },
      'sessionAffinity: expected steps, not iterations',
    ],
    [{ stepWeightPromotion: 10, iterations: 3 }, 'stepWeightPromotion: expected steps, not iterations'],
    [{ traffic: 'replicas', mirror: {} }, 'traffic: expected auto, istio or gateway-api with match, mirror'],
    [{ traffic: 'replicas', iterations: 3 }, 'traffic: expected auto, istio, gateway-api or none with iter'],
    [{ metrics: [{ name: 'a', query: 'q' }] }, 'spec.metrics[0]: Invalid value: expected min or max'],
    [
      { webhooks: [{ name: 'a', type: 'later', url: 'http://a' }] },
      'spec.webhooks[0].type: Unsupported value',
    ],
    [{ webhooks: [{ name: 'a', type: 'event', url: 'ftp://a' }] }, 'spec.webhooks[0].url: Invalid value'],
    [
      { webhooks: [{ name: 'a', url: 'http://a', timeout: '2h' }] },
      'spec.webhooks[0].timeout: Invalid value: "2h": expected a duration from 1s to 1h, got 2h (example: 10s)',
    ],
    [
      { alerts: [{ name: 'a', provider: 'b', severity: 'loud' }] },
      'spec.alerts[0].severity: Unsupported val',
    ],
    [{ stepps: [10] }, 'unknown field "spec.stepps"'],
  ])('refuses %j with the place, the value and the fix', async (spec, words) => {
    expect(await answerTo(spec)).toContain(words);
  });
});

/** Nothing but readiness is asked, so that a run takes as long as its intervals. */
const QUIET = { interval: '5s', successRate: 'off', latency: 'off' };
const ISTIO = { 'kanari.dev/policy': 'careful', 'kanari.dev/traffic': 'istio' };

const opened = async (namespace: string, annotations: StringMap): Promise<Shop> => {
  const shop = await world.openShop(namespace, { annotations });
  await shop.opens();
  return shop;
};

/** Waits until admission knows of the policy: its cache hears of it a moment after it was applied. */
const known = (shop: Shop, words: string): Promise<void> =>
  eventually(async () => {
    const { stderr } = await shop.apply(web('v2'), '--dry-run=server');
    expect(stderr).toContain(words);
  });

/** What the split of its own routes says the canary's share is. */
const shareOf = async (shop: Shop): Promise<unknown> => {
  const routes = await shop.list('virtualservices');
  const split = routes.flatMap((route) => annotationsOf(route)['kanari.dev/split'] ?? [])[0];
  return split === undefined ? undefined : (JSON.parse(split) as Record<string, object>)['web'];
};

/** Events follow what they tell of. */
const tells = (shop: Shop, ...messages: unknown[]) =>
  eventually(async () =>
    expect((await shop.events()).map(({ message }) => message)).toEqual(expect.arrayContaining(messages)),
  );

const promoted = async (shop: Shop): Promise<CanaryStatus> => {
  await shop.settles();
  const { status } = await shop.reaches('Succeeded');
  expect(imageOf(await shop.deployment())).toBe('web:v2');
  expect(await shareOf(shop)).toBeUndefined();
  return status ?? expect.fail('no status');
};

const podsBehind = async (shop: Shop, service: string): Promise<(string | undefined)[]> =>
  (await shop.list<EndpointSlice>('endpointslices'))
    .filter((slice) => labelsOf(slice)['kubernetes.io/service-name'] === service)
    .flatMap(({ endpoints }) => endpoints ?? [])
    .map(({ targetRef }) => targetRef?.name);

describe.concurrent('a run by a policy', () => {
  it('that is an A/B test gives the canary what matches, and is promoted after its checks', async () => {
    const shop = await opened('ab', ISTIO);
    // No check comes while it is looked at.
    await shop.apply(policy({ ...QUIET, interval: '30m', iterations: 2, match }));
    const words = 'canary of web started (2 checks of requests that match, every 30m); v1 keeps';
    await known(shop, words);
    const { stderr } = await shop.apply(web('v2'));
    expect(stderr).toContain(words);
    await shop.standsAt(0);
    expect(await shareOf(shop)).toMatchObject({ weight: 0, match });
    const { spec } = await shop.deployment('web-canary');
    expect(spec.replicas).toBe(2);
    await shop.apply(policy({ ...QUIET, iterations: 2, match }));
    expect(await promoted(shop)).toMatchObject({
      iterations: 2,
      message: expect.stringContaining('2 checks'),
    });
    await tells(shop, 'Routing requests of web that match to its canary', 'Advance web canary iteration 1/2');
  });

  it('that is blue/green gives the canary no live traffic, and is promoted after its checks', async () => {
    const shop = await opened('blue-green', ISTIO);
    // No check comes while it is looked at.
    await shop.apply(policy({ ...QUIET, interval: '30m', iterations: 2 }));
    await shop.apply(web('v2'));
    await shop.standsAt(0);
    expect(await shareOf(shop)).toEqual({ services: ['web'], weight: 0 });
    expect((await shop.deployment('web-canary')).spec.replicas).toBe(1);
    const isCanary = (pod: Pod): boolean => labelsOf(pod)['kanari.dev/version'] === 'canary';
    const canaryPods = (await shop.list<Pod>('pods')).filter(isCanary).map(({ metadata }) => metadata.name);
    expect(canaryPods).toHaveLength(1);
    await eventually(async () => expect(await podsBehind(shop, 'web-canary')).toEqual(canaryPods));
    await shop.apply(policy({ ...QUIET, iterations: 2 }));
    expect(await promoted(shop)).toMatchObject({ iterations: 2 });
    await eventually(async () =>
      expect((await shop.list('services')).map(({ metadata }) => metadata.name)).toEqual(['web']),
    );
  });

  it('that is aborted gives back what it matched', async () => {
    const shop = await opened('ab-aborted', ISTIO);
    await shop.apply(policy({ ...QUIET, interval: '10m', iterations: 2, match }));
    await shop.apply(web('v2'));
    await eventually(async () => expect(await shareOf(shop)).toMatchObject({ match }));
    await shop.kubectl(['annotate', 'canary', 'web', 'kanari.dev/command=abort']);
    await shop.reaches('Failed');
    expect(await shareOf(shop)).toBeUndefined();
  });

  it('waits for a policy that is not there, and starts when it comes', async () => {
    const shop = await opened('late', ISTIO);
    const { stderr } = await shop.apply(web('v2'));
    expect(stderr).toContain('canary of web started (it waits for its CanaryPolicy)');
    expect(stderr).toContain('CanaryPolicy careful, which kanari.dev/policy names, is not in the namespace');
    await eventually(async () =>
      expect((await shop.canary()).status).toMatchObject({ phase: 'Progressing', reason: 'PolicyNotFound' }),
    );
    expect(await shop.list('virtualservices')).toEqual([]);
    await shop.apply(policy({ ...QUIET, steps: [50] }));
    await promoted(shop);
    await tells(shop, expect.stringContaining('is not in the namespace; the run waits'));
  });

  it('goes on by a policy that changes in the middle, and waits at its weight when that is deleted', async () => {
    const shop = await opened('changing', ISTIO);
    await shop.apply(policy({ ...QUIET, interval: '30m', steps: [50] }));
    await shop.apply(web('v2'));
    await shop.standsAt(50);
    await shop.apply(policy({ ...QUIET, interval: '30m', steps: [30] }));
    await shop.standsAt(30);
    await shop.kubectl(['delete', 'canpol', 'careful']);
    await eventually(async () =>
      expect((await shop.canary()).status).toMatchObject({ reason: 'PolicyNotFound', canaryWeight: 30 }),
    );
    await shop.apply(policy({ ...QUIET, steps: [30] }));
    await promoted(shop);
  });

  it('has the annotations of its Deployment before the policy, and the policy before its Namespace', async () => {
    const shop = await opened('precedence', {
      ...ISTIO,
      'kanari.dev/steps': '10',
      'kanari.dev/interval': '9s',
    });
    await shop.apply(policy({ steps: [20, 40] }));
    const warned = async (annotations: StringMap): Promise<string> => {
      const { stderr } = await shop.apply(web('v2', { annotations }), '--dry-run=server');
      return /\(([^)]*)\)/.exec(stderr)?.[1] ?? stderr;
    };
    await eventually(async () => expect(await warned({})).toBe('20% → 40% in steps of 20%, every 9s'));
    expect(await warned({ 'kanari.dev/steps': '5' })).toBe('5% for 9s');
    await shop.apply({ ...policy({ interval: '7s' }), metadata: { name: 'bold' } });
    await eventually(async () => expect(await warned({ 'kanari.dev/policy': 'bold' })).toBe('10% for 7s'));
  });

  it('that only routes could carry out waits where there are none, and says so', async () => {
    const shop = await opened('no-routes', { 'kanari.dev/policy': 'careful' });
    await shop.apply(policy({ ...QUIET, iterations: 2, match }));
    await shop.apply(web('v2'));
    await eventually(async () =>
      expect((await shop.canary()).status).toMatchObject({
        reason: 'TrafficUnsupported',
        message: expect.stringContaining('match can not be done: its traffic goes by number of pods'),
      }),
    );
    await shop.apply(policy({ ...QUIET, steps: [50] }));
    await promoted(shop);
  });
});
