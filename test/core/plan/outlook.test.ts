import { describe, expect, test } from 'vitest';
import type { Outlook } from '../../../src/core/run.ts';
import { held, statusOf } from './run-beginnings.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

// What a run says of what comes next. Steps are 20 and 50, an interval 5 s.

const outlookOf = (cluster: SimulatedCluster): Outlook =>
  statusOf(cluster).outlook ?? expect.fail('no outlook');

const at = (weight: number) => (cluster: SimulatedCluster) => () =>
  cluster.weight === weight && statusOf(cluster).run?.stepSince !== undefined;

const secondsTo = (time: string | undefined, cluster: SimulatedCluster): number =>
  (Date.parse(time ?? 'never') - cluster.now.getTime()) / 1_000;

/** How much of the estimate of the promotion was missed, by the estimate that was made at this moment. */
const missedBy = (cluster: SimulatedCluster): number => {
  const expected = secondsTo(outlookOf(cluster).promotionAt, cluster);
  const from = cluster.now.getTime();
  cluster.runToEnd({ seconds: 20_000, until: () => statusOf(cluster).phase === 'Promoting' });
  expect(statusOf(cluster).phase).toBe('Promoting');
  return Math.abs(expected / ((cluster.now.getTime() - from) / 1_000) - 1);
};

test('says when the next check is made, and that the interval is waited for', () => {
  const cluster = held({ intervalMs: 60_000 });
  cluster.runToEnd({ until: at(20)(cluster) });
  cluster.runToEnd({ seconds: 10 });
  expect(outlookOf(cluster).waitsFor).toBe('the end of the interval');
  expect(secondsTo(outlookOf(cluster).checkAt, cluster)).toBeGreaterThan(45);
  expect(secondsTo(outlookOf(cluster).checkAt, cluster)).toBeLessThanOrEqual(52);
});

test('says how many requests are missing, and how long they take at the current traffic', () => {
  const cluster = held({}, { requestsPerSecond: 2.5 });
  cluster.runToEnd({ until: at(20)(cluster) });
  cluster.runToEnd({ seconds: 60 });
  const { waitsFor, checkAt } = outlookOf(cluster);
  expect(waitsFor).toMatch(/^\d\d more requests, about 2m( ?30s)? at 0\.5 requests\/s$/);
  expect(secondsTo(checkAt, cluster)).toBeGreaterThan(100);
  expect(secondsTo(checkAt, cluster)).toBeLessThan(180);
});

test('says that no request has come, and promises nothing', () => {
  const cluster = held({}, { requestsPerSecond: 0 });
  cluster.runToEnd({ until: at(20)(cluster) });
  cluster.runToEnd({ seconds: 30 });
  expect(outlookOf(cluster)).toEqual({ waitsFor: '100 more requests; none has come so far' });
});

test.each([
  ['by time', 20, { intervalMs: 60_000 }, {}],
  ['by time, without a metrics server', 20, { intervalMs: 60_000 }, { metrics: 'unconfigured' }],
  ['by requests', 20, {}, { requestsPerSecond: 1 }],
  ['by few requests', 120, { minRequests: 10 }, { requestsPerSecond: 0.2 }],
  ['after a mirror', 20, { mirror: 10 }, { requestsPerSecond: 3 }],
  ['by checks', 20, { iterations: { checks: 5, match: undefined }, mirror: 20 }, { requestsPerSecond: 3 }],
] as const)(
  'knows when the run is promoted, within a quarter, where it goes %s',
  (_, seconds, settings, change) => {
    const cluster = held(settings, change);
    cluster.runToEnd({ until: () => statusOf(cluster).run?.stepSince !== undefined });
    cluster.runToEnd({ seconds });
    expect(missedBy(cluster)).toBeLessThan(0.25);
  },
);

describe('at a gate', () => {
  test('it says what is waited for, and no time of promotion', () => {
    const cluster = held({ approve: ['promotion'] });
    cluster.runToEnd({ until: () => statusOf(cluster).phase === 'WaitingPromotion' });
    cluster.runToEnd({ seconds: 20 });
    expect(outlookOf(cluster).waitsFor).toContain('waits for approval before the promotion');
    expect(outlookOf(cluster)).not.toHaveProperty('promotionAt');
    expect(outlookOf(cluster).checkAt).toBeDefined();
  });
});

test('there is none once the end of a run is decided, nor after it', () => {
  const cluster = held({});
  cluster.runToEnd({ until: () => statusOf(cluster).run?.ending !== undefined });
  expect(statusOf(cluster)).not.toHaveProperty('outlook');
  cluster.runToEnd();
  expect(statusOf(cluster)).not.toHaveProperty('outlook');
});

test.each([0, 100])(
  'it is written seldom while nothing changes, after %s requests each second',
  (requestsPerSecond) => {
    const cluster = held({ progressDeadlineMs: 1e9, minRequests: 1_000_000 }, { requestsPerSecond });
    cluster.runToEnd({ until: at(20)(cluster) });
    cluster.runToEnd({ seconds: 20 });
    cluster.requestsPerSecond = 0;
    cluster.runToEnd({ seconds: 10 });
    const written = new Set<string>();
    cluster.runToEnd({
      seconds: 400,
      until: () => {
        written.add(JSON.stringify(statusOf(cluster)));
        return false;
      },
    });
    expect(written.size).toBeLessThan(45);
  },
);
