import { describe, expect, it } from 'vitest';
import type { CustomMetric, CustomReading } from '../../../src/core/custom-metric.ts';
import type { Settings } from '../../../src/core/release-settings.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

// Runs that are judged by metrics of their users' own.

const QUEUE: CustomMetric = {
  name: 'queue',
  server: undefined,
  query: ['sum(queue)'],
  jsonPointer: undefined,
  min: undefined,
  max: 5,
  intervalMs: undefined,
};
const OFF: Partial<Settings> = { successRate: 'off', latency: 'off' };

type Answer =
  | { kind: 'value'; value: number }
  | { kind: 'empty' | 'unavailable'; reason: string; message: string };
const AWAY: Answer = { kind: 'unavailable', reason: 'MetricsServerUnreachable', message: 'refused' };
const NOTHING: Answer = { kind: 'empty', reason: 'NoSamples', message: 'the query has no result' };

/** What servers answer to whoever asks. */
class Asked extends SimulatedCluster {
  answer: Answer | undefined = { kind: 'value', value: 3 };
  answerTo: (metric: CustomMetric) => Answer | undefined = () => this.answer;
  /** How long ago it was asked. */
  agoMs = 0;

  override snapshot() {
    const at = new Date(this.now.getTime() - this.agoMs).toISOString();
    this.customReadings = this.settings.metrics.flatMap((metric): CustomReading[] => {
      const answer = this.answerTo(metric);
      return answer === undefined ? [] : [{ metric, at, ...answer }];
    });
    return super.snapshot();
  }
}

const held = (
  settings: Partial<Settings> = {},
  routed: { services?: string[] } = {},
  cluster = new Asked(),
): Asked => {
  cluster.settings = { ...cluster.settings, metrics: [QUEUE], ...settings };
  if (routed.services !== undefined) Object.assign(cluster, { routed: false, services: routed.services });
  cluster.runToEnd({ seconds: 3 });
  cluster.hold('v2');
  return cluster;
};

const ends = (cluster: Asked, seconds = 300): string | undefined => {
  cluster.runToEnd({ seconds, until: () => cluster.phase === 'Succeeded' || cluster.phase === 'Failed' });
  return cluster.phase;
};

const statusOf = (cluster: Asked) => cluster.canary?.status ?? expect.fail('the Canary has no status');

type Way = [string, Partial<Settings>, { services?: string[]; metrics?: SimulatedCluster['metrics'] }];
const WAYS: Way[] = [
  ['beside the built-in ones', {}, {}],
  ['with the built-in ones off', OFF, {}],
  ['without a server for the built-in ones', {}, { metrics: 'unconfigured' }],
  ['of workers', {}, { services: [] }],
  ['with no live traffic', { ...OFF, iterations: { checks: 2, match: undefined } }, {}],
];

describe.each<Way>(WAYS)('a metric of its own %s', (_, settings, { metrics = 'up', ...routed }) => {
  it('that is kept promotes', () => {
    const cluster = held(settings, routed);
    cluster.metrics = metrics;
    expect(ends(cluster)).toBe('Succeeded');
    expect(statusOf(cluster).history[0]?.outcome).toBe('Promoted');
    expect(statusOf(cluster).message).toContain('queue 3 ≤ 5');
  });

  it('that is missed withdraws, at the threshold', () => {
    const cluster = held(settings, routed);
    cluster.metrics = metrics;
    cluster.answer = { kind: 'value', value: 7 };
    expect(ends(cluster)).toBe('Failed');
    expect(statusOf(cluster)).toMatchObject({ failedChecks: 2 });
    expect(statusOf(cluster).history[0]?.reason).toBe('ThresholdReached');
    expect(statusOf(cluster).message).toContain('queue 7 > 5');
  });
});

describe('a metric without a value', () => {
  it('holds the run, and the run goes on by itself when there is one', () => {
    const cluster = held(OFF);
    cluster.answer = NOTHING;
    ends(cluster, 60);
    expect(statusOf(cluster)).toMatchObject({
      phase: 'Progressing',
      canaryWeight: 20,
      reason: 'NoSamples',
      message: 'queue: the query has no result; the weight is held',
      failedChecks: 0,
    });
    cluster.answer = { kind: 'value', value: 5 };
    expect(ends(cluster)).toBe('Succeeded');
  });

  it.each<[string, Answer | undefined, Settings['onNoData'], string]>([
    ['that no server knows is withdrawn', NOTHING, 'rollback', 'Failed'],
    ['that no server knows is promoted', NOTHING, 'promote', 'Succeeded'],
    ['that no server knows is paused', NOTHING, 'pause', 'Paused'],
    ['that a server could not tell is paused', AWAY, 'rollback', 'Paused'],
    ['that a server could not tell is never promoted', AWAY, 'promote', 'Paused'],
    ['that nobody asked for is paused', undefined, 'rollback', 'Paused'],
  ])('%s past the deadline, with on-no-data as it is', (_, answer, onNoData, phase) => {
    const cluster = held({ ...OFF, onNoData, progressDeadlineMs: 30_000 });
    cluster.answer = answer;
    expect(ends(cluster)).toBe(phase);
    if (phase !== 'Paused') return;
    cluster.answer = { kind: 'value', value: 3 };
    expect(ends(cluster)).toBe('Succeeded');
  });
});

describe('a value', () => {
  it('that was asked for before the interval was over says nothing of it', () => {
    const cluster = held(OFF);
    cluster.agoMs = 3_600_000;
    ends(cluster, 60);
    expect(statusOf(cluster)).toMatchObject({ reason: 'MetricNotRead', canaryWeight: 20 });
  });

  it('that is on its way is waited for without a word, not for long', () => {
    const cluster = held(OFF);
    cluster.answer = undefined;
    const reasons = new Set<string>();
    cluster.runToEnd({
      seconds: 60,
      until: () => {
        reasons.add(statusOf(cluster).message);
        return statusOf(cluster).reason === 'MetricNotRead';
      },
    });
    const since = Date.parse(statusOf(cluster).run?.stepSince ?? '');
    expect(cluster.now.getTime() - since).toBe(8_000);
    expect([...reasons].filter((message) => message.startsWith('canary weight 20 %'))).toHaveLength(2);
  });

  it('to a question that the policy does not ask any more is not judged', () => {
    const asked = { ...QUEUE, query: ['sum(queue_before)'] };
    class Changed extends Asked {
      override snapshot() {
        const seen = super.snapshot();
        return { ...seen, customReadings: seen.customReadings.map((each) => ({ ...each, metric: asked })) };
      }
    }
    const cluster = held(OFF, {}, new Changed());
    ends(cluster, 60);
    expect(statusOf(cluster)).toMatchObject({ reason: 'MetricNotRead', step: 0 });
  });

  it('of a metric that fails beside one without a value fails the check', () => {
    const cluster = held({ ...OFF, metrics: [QUEUE, { ...QUEUE, name: 'other' }] });
    cluster.answerTo = ({ name }) => (name === 'queue' ? NOTHING : { kind: 'value', value: 7 });
    expect(ends(cluster)).toBe('Failed');
  });
});
