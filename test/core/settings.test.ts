import { describe, expect, it } from 'vitest';
import type { CanaryPolicy } from '../../src/core/canary-policy.ts';
import type { StringMap } from '../../src/core/objects.ts';
import type { Settings } from '../../src/core/release-settings.ts';
import { describeViolation } from '../../src/core/setting-level.ts';
import { DEFAULT_SETTINGS, parseSettings } from '../../src/core/settings.ts';

const prefixed = (settings: StringMap): StringMap =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`kanari.dev/${name}`, value]));

const parse = (deployment: StringMap, namespace: StringMap = {}) =>
  parseSettings({ deployment: prefixed(deployment), namespace: prefixed(namespace) });

describe('settings', () => {
  it('are the defaults where nothing is said', () => {
    expect(parse({})).toEqual({ ok: true, settings: DEFAULT_SETTINGS, warnings: [] });
  });

  it.each<[string, StringMap, Partial<Settings>]>([
    ['steps', { steps: '5, 25,100' }, { steps: [5, 25, 100] }],
    ['step-weight and max-weight', { 'step-weight': '20', 'max-weight': '50' }, { steps: [20, 40, 50] }],
    ['steps before step-weight', { steps: '5', 'step-weight': '20' }, { steps: [5] }],
    ['a step-weight above the highest', { 'step-weight': '80' }, { steps: [50] }],
    ['interval', { interval: '1m30s' }, { intervalMs: 90_000 }],
    ['threshold', { threshold: '1' }, { threshold: 1 }],
    ['success-rate', { 'success-rate': '99.95%' }, { successRate: 99.95 }],
    ['no success-rate', { 'success-rate': 'off' }, { successRate: 'off' }],
    ['latency', { latency: 'p99.9 < 1.5s' }, { latency: { quantile: 0.999, limitMs: 1_500 } }],
    ['no latency', { latency: 'off' }, { latency: 'off' }],
    ['min-requests', { 'min-requests': '250' }, { minRequests: 250 }],
    ['on-no-data', { 'on-no-data': 'pause' }, { onNoData: 'pause' }],
    ['on-failure', { 'on-failure': 'freeze' }, { onFailure: 'freeze' }],
    ['progress-deadline', { 'progress-deadline': '1h' }, { progressDeadlineMs: 3_600_000 }],
    ['traffic', { traffic: 'gateway-api' }, { traffic: 'gateway-api' }],
    ['propagation-wait', { 'propagation-wait': '0s' }, { propagationWaitMs: 0 }],
    ['service', { service: 'web, web-internal' }, { services: ['web', 'web-internal'] }],
    ['sidecar', { sidecar: 'linkerd' }, { sidecar: 'linkerd' }],
    ['canary-restarts', { 'canary-restarts': 'true' }, { canaryRestarts: true }],
    ['a skip of any length', { skip: 'x'.repeat(3_000) }, {}],
    ['on-busy', { 'on-busy': 'allow' }, { onBusy: 'allow' }],
    ['approvals', { approve: 'start,promotion' }, { approve: ['start', 'promotion'] }],
    ['iterations', { iterations: '10' }, { iterations: { checks: 10, match: undefined } }],
    [
      'marks',
      { run: '1-abc', primary: 'x', weight: '20', 'held-by': 'webhook', split: '{}', command: 'x' },
      {},
    ],
  ])('understand %s', (_name, annotations, expected) => {
    expect(parse(annotations)).toEqual({
      ok: true,
      settings: { ...DEFAULT_SETTINGS, ...expected },
      warnings: [],
    });
  });

  it.each<[string, StringMap, string]>([
    [
      'a step too high',
      { steps: '10,20,120' },
      'kanari.dev/steps[2]: expected 1–100, got 120 (example: "10,25,50")',
    ],
    [
      'steps that fall',
      { steps: '10,30,20' },
      'kanari.dev/steps[2]: expected more than the step before, got 20',
    ],
    ['no steps', { steps: '' }, 'kanari.dev/steps[0]: expected 1–100, got nothing'],
    ['a fraction of a step', { steps: '10.5' }, 'kanari.dev/steps[0]: expected 1–100, got 10.5'],
    [
      'a short interval',
      { interval: '4s' },
      'kanari.dev/interval: expected a duration from 5s to 24h, got 4s',
    ],
    ['an interval without unit', { interval: '60' }, 'kanari.dev/interval: expected a duration'],
    ['no threshold', { threshold: '0' }, 'kanari.dev/threshold: expected 1–1000, got 0'],
    ['over 100 %', { 'success-rate': '100.1' }, 'expected a percentage, 0–100, or off, got 100.1'],
    [
      'a latency without limit',
      { latency: 'p99' },
      'kanari.dev/latency: expected a quantile and its limit, or off',
    ],
    ['a quantile of 0', { latency: 'p0<1s' }, 'kanari.dev/latency: expected'],
    [
      'an unknown word',
      { traffic: 'linkerd' },
      'expected auto, istio, gateway-api, replicas or none, got linkerd',
    ],
    ['a switch', { 'canary-restarts': 'yes' }, 'expected true or false, got yes (example: "false")'],
    [
      'an approval',
      { approve: 'start,end' },
      'kanari.dev/approve[1]: expected start, traffic or promotion, got end',
    ],
    ['a Service', { service: 'Web' }, 'kanari.dev/service[0]: expected the name of an object, got Web'],
    ['a long value', { steps: '1,'.repeat(2_000) }, 'kanari.dev/steps: expected at most 2000 characters'],
    ['control characters', { traffic: 'a\u001b[31m\n' }, 'got a·[31m·'],
  ])('refuse %s', (_what, annotations, words) => {
    const parsed = parse(annotations);
    expect(parsed.ok ? [] : parsed.violations.map(describeViolation)).toEqual([
      expect.stringContaining(words) as string,
    ]);
    expect(parsed.settings).toEqual(DEFAULT_SETTINGS);
  });
});

describe('precedence', () => {
  it('puts the Deployment before its Namespace', () => {
    const { settings } = parse({ threshold: '2' }, { threshold: '3', interval: '10s' });
    expect(settings).toMatchObject({ threshold: 2, intervalMs: 10_000 });
  });

  it('lets a bad value give way to the next', () => {
    const { ok, settings } = parse({ threshold: 'x' }, { threshold: '3' });
    expect({ ok, threshold: settings.threshold }).toEqual({ ok: false, threshold: 3 });
  });

  it('takes the steps of the nearest level, in whichever form', () => {
    expect(parse({ 'max-weight': '30' }, { steps: '50' }).settings.steps).toEqual([10, 20, 30]);
    expect(parse({ steps: '5' }, { 'step-weight': '20' }).settings.steps).toEqual([5]);
    expect(parse({ 'max-weight': '40' }, { 'step-weight': '20' }).settings.steps).toEqual([20, 40]);
  });
});

describe('a CanaryPolicy', () => {
  const careful = (spec: Record<string, unknown>): CanaryPolicy => ({
    apiVersion: 'kanari.dev/v1alpha1',
    kind: 'CanaryPolicy',
    metadata: { name: 'careful' },
    spec,
  });
  const by = (spec: Record<string, unknown>, deployment: StringMap = {}, namespace: StringMap = {}) =>
    parseSettings({
      deployment: prefixed({ policy: 'careful', ...deployment }),
      namespace: prefixed(namespace),
      policies: [careful(spec)],
    });
  const match = [{ headers: { 'x-user': { exact: 'insider' } } }];
  const unmatched = { checks: 5, match: undefined };

  it.each<[string, Record<string, unknown>, Partial<Settings>]>([
    ['steps', { steps: [5, 25] }, { steps: [5, 25] }],
    ['stepWeight and maxWeight', { stepWeight: 20, maxWeight: 40 }, { steps: [20, 40] }],
    ['interval', { interval: '1m30s' }, { intervalMs: 90_000 }],
    ['successRate as a number', { successRate: 98 }, { successRate: 98 }],
    ['successRate as a text', { successRate: '99.95' }, { successRate: 99.95 }],
    ['latency', { latency: 'off' }, { latency: 'off' }],
    ['minRequests', { minRequests: 7 }, { minRequests: 7 }],
    ['onNoData', { onNoData: 'pause' }, { onNoData: 'pause' }],
    ['service', { service: ['web', 'api'] }, { services: ['web', 'api'] }],
    ['canaryRestarts', { canaryRestarts: true }, { canaryRestarts: true }],
    ['iterations', { iterations: 5 }, { iterations: unmatched }],
    ['match', { iterations: 5, match }, { iterations: { checks: 5, match } }],
    ['mirror', { mirror: {} }, { mirror: 100 }],
    ['mirror with its percent', { mirror: { percent: 5 } }, { mirror: 5 }],
    [
      'sessionAffinity',
      { sessionAffinity: { cookieName: 'k' } },
      { affinity: { cookie: 'k', maxAgeSeconds: 86_400 } },
    ],
    ['stepWeightPromotion', { stepWeightPromotion: 20 }, { stepWeightPromotion: 20 }],
    ['nothing', {}, {}],
    ['what is for one change or one Deployment', { skip: 'x', policy: 'B B' }, {}],
  ])('says %s', (_name, spec, expected) => {
    expect(by(spec)).toEqual({ ok: true, settings: { ...DEFAULT_SETTINGS, ...expected }, warnings: [] });
  });

  it.each<[string, Record<string, unknown>, StringMap, StringMap, Partial<Settings>]>([
    ['comes after the Deployment', { threshold: 3 }, { threshold: '2' }, {}, { threshold: 2 }],
    ['comes before the Namespace', { threshold: 3 }, {}, { threshold: '4' }, { threshold: 3 }],
    ['leaves the rest to the Namespace', { threshold: 3 }, {}, { interval: '9s' }, { intervalMs: 9_000 }],
    [
      'has its steps before those of the Namespace',
      { maxWeight: 20 },
      {},
      { steps: '5' },
      { steps: [10, 20] },
    ],
    [
      "has its iterations before the Namespace's steps",
      { iterations: 5 },
      {},
      { steps: '5' },
      { iterations: unmatched },
    ],
    [
      "leaves iterations for the Deployment's steps",
      { iterations: 5 },
      { steps: '5' },
      {},
      { steps: [5], iterations: undefined },
    ],
    [
      "matches also with the Deployment's steps: nobody else may meet the canary",
      { iterations: 5, match },
      { steps: '5' },
      {},
      { iterations: { checks: 5, match } },
    ],
    [
      "takes the Deployment's number of checks",
      { iterations: 5, match },
      { iterations: '9' },
      {},
      { iterations: { checks: 9, match } },
    ],
  ])('%s', (_name, spec, deployment, namespace, expected) => {
    expect(by(spec, deployment, namespace).settings).toMatchObject(expected);
  });

  it('is taken by all Deployments of a Namespace that names it, unless they name another', () => {
    const policies = [
      careful({ threshold: 3 }),
      { ...careful({ threshold: 7 }), metadata: { name: 'bold' } },
    ];
    const thresholdFor = (deployment: StringMap) =>
      parseSettings({
        deployment: prefixed(deployment),
        namespace: prefixed({ policy: 'careful' }),
        policies,
      }).settings.threshold;
    expect([thresholdFor({}), thresholdFor({ policy: 'bold' })]).toEqual([3, 7]);
  });

  it('that is not there is a problem of its own, and told', () => {
    const message = 'CanaryPolicy careful, which kanari.dev/policy names, is not in the namespace';
    expect(parse({ policy: 'careful' })).toEqual({
      ok: true,
      settings: { ...DEFAULT_SETTINGS, policyProblem: { reason: 'PolicyNotFound', message } },
      warnings: [`${message}; canaries wait for it`],
    });
  });

  it.each<[Record<string, unknown>, string]>([
    [{ steps: [10, 120] }, 'spec.steps[1]: expected 1–100, got 120 (example: "10,25,50")'],
    [{ threshold: {} }, 'spec.threshold: expected 1–1000, got {}'],
    [{ match }, 'spec.match: expected spec.iterations beside it'],
    [{ iterations: 5, match: [{ headers: { a: {} } }] }, 'spec.match[0].headers.a'],
    [{ mirror: { percent: 0 } }, 'spec.mirror.percent'],
    [{ stepWeightPromotion: 'slowly' }, 'spec.stepWeightPromotion'],
    [
      { metrics: [{ name: 'a', query: 'sum(b{c="{{ who }}"})', max: 1 }] },
      'spec.metrics[0].query: expected one of name, namespace, target, canary, primary, interval, got {{ who }} (example: {{ canary }})',
    ],
  ])('that no schema has kept from being %j says nothing in part', (spec, words) => {
    const { settings } = by({ interval: '9s', ...spec });
    expect(settings).toMatchObject({ intervalMs: 60_000, policyProblem: { reason: 'PolicyInvalid' } });
    expect(settings.policyProblem?.message).toContain(`CanaryPolicy careful is not understood (${words}`);
  });
});

describe('an annotation that Kanari does not know', () => {
  it.each([
    ['stepps', "kanari.dev/stepps is not an annotation of Kanari's: did you mean kanari.dev/steps?"],
    ['Intervall', "kanari.dev/Intervall is not an annotation of Kanari's: did you mean kanari.dev/interval?"],
    [
      'succes-rate',
      "kanari.dev/succes-rate is not an annotation of Kanari's: did you mean kanari.dev/success-rate?",
    ],
    ['colour', "kanari.dev/colour is not an annotation of Kanari's"],
    ['rollouts', 'kanari.dev/rollouts is a label, not an annotation: it has no effect here'],
  ])('%s gets a hint', (name, warning) => {
    expect(parse({ [name]: 'x' }).warnings).toEqual([warning]);
  });

  it("is none of Kanari's business under another domain", () => {
    expect(parseSettings({ deployment: { 'example.com/steps': 'x' }, namespace: {} }).warnings).toEqual([]);
  });
});
