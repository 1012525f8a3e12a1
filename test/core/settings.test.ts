import { describe, expect, it } from 'vitest';
import type { StringMap } from '../../src/core/objects.ts';
import type { Settings } from '../../src/core/run.ts';
import { DEFAULT_SETTINGS, describeViolation, parseSettings } from '../../src/core/settings.ts';

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
    ['names that are for later', { iterations: '10', approve: 'start,promotion', policy: 'careful' }, {}],
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
