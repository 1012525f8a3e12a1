import { describe, expect, it } from 'vitest';
import type { CustomMetric } from '../../src/core/custom-metric.ts';
import { judgeCustom } from '../../src/core/custom-verdict.ts';

const AT = '2026-11-21T02:00:00.000Z';

const metricOf = (bounds: { min?: number; max?: number }): CustomMetric => ({
  name: 'queue',
  server: undefined,
  query: ['sum(queue)'],
  jsonPointer: undefined,
  min: bounds.min,
  max: bounds.max,
  intervalMs: undefined,
});

const judged = (value: number, bounds: { min?: number; max?: number }) => {
  const metric = metricOf(bounds);
  return judgeCustom(metric, { metric, at: AT, kind: 'value', value });
};

describe('a custom metric', () => {
  it.each<[value: number, bounds: { min?: number; max?: number }, words: string, limit: string]>([
    [500, { max: 500 }, 'queue 500 ≤ 500', '≤ 500'],
    [-3, { max: 0 }, 'queue -3 ≤ 0', '≤ 0'],
    [0.2, { min: 0.2 }, 'queue 0.2 ≥ 0.2', '≥ 0.2'],
    [1_240.5, { min: 1_000, max: 2_000 }, 'queue 1,240.5 in 1,000–2,000', '1,000–2,000'],
    [0.000_012_345_67, { max: 1 }, 'queue 0.0000123457 ≤ 1', '≤ 1'],
    [2.5e21, { min: 1 }, 'queue 2.5e+21 ≥ 1', '≥ 1'],
  ])('of %d by %j is kept', (value, bounds, message, limit) => {
    expect(judged(value, bounds)).toMatchObject({ verdict: 'pass', reason: 'MetricKept', message, limit });
  });

  it.each<[value: number, bounds: { min?: number; max?: number }, words: string]>([
    [501, { max: 500 }, 'queue 501 > 500'],
    [0.1, { min: 0.2, max: 5 }, 'queue 0.1 < 0.2'],
    [7, { min: 0.2, max: 5 }, 'queue 7 > 5'],
    [500.000_000_1, { max: 500 }, 'queue 500.0000001 > 500'],
  ])('of %d by %j is missed', (value, bounds, message) => {
    expect(judged(value, bounds)).toMatchObject({ verdict: 'fail', reason: 'MetricMissed', message });
  });

  it('without a value has no verdict, and says why', () => {
    const metric = metricOf({ max: 5 });
    const why = { reason: 'NoSamples', message: 'the query has no result' };
    expect(judgeCustom(metric, { metric, at: AT, kind: 'empty', ...why })).toEqual({
      metric: 'queue',
      value: '–',
      limit: '≤ 5',
      requests: 0,
      verdict: 'inconclusive',
      reason: 'NoSamples',
      message: 'queue: the query has no result',
    });
    expect(judgeCustom(metric, undefined)).toMatchObject({
      verdict: 'inconclusive',
      reason: 'MetricNotRead',
      message: 'queue: not asked for yet',
    });
  });
});
