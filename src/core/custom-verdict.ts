import * as reasons from './check-reasons.ts';
import type { CustomMetric, CustomReading } from './custom-metric.ts';
import { measure } from './figures.ts';
import type { MetricCheck } from './run.ts';

// A custom metric's value, held against its bounds.

/** `≤ 500`, `≥ 0.2`, `0.2–500` */
const limitOf = ({ min, max }: CustomMetric): string => {
  if (min === undefined) return max === undefined ? '–' : `≤ ${measure(max)}`;
  return max === undefined ? `≥ ${measure(min)}` : `${measure(min)}–${measure(max)}`;
};

/** `3.2 ≤ 5`, `7 > 5`: the bound that is missed, or all that there are. */
const comparison = (value: number, metric: CustomMetric): { kept: boolean; words: string } => {
  const { min, max } = metric;
  const beyond = (sign: '<' | '>', bound: number) => {
    const [seen, limit] = [measure(value), measure(bound)];
    // Told apart by what rounding took away.
    return { kept: false, words: seen === limit ? `${value} ${sign} ${bound}` : `${seen} ${sign} ${limit}` };
  };
  if (max !== undefined && value > max) return beyond('>', max);
  if (min !== undefined && value < min) return beyond('<', min);
  const limit = limitOf(metric);
  return {
    kept: true,
    words: `${measure(value)} ${min !== undefined && max !== undefined ? 'in ' : ''}${limit}`,
  };
};

/** A metric judged by what is known of it; undefined: nothing yet. Without a value there is no verdict. */
export const judgeCustom = (metric: CustomMetric, reading: CustomReading | undefined): MetricCheck => {
  const check = { metric: metric.name, limit: limitOf(metric), requests: 0 };
  if (reading?.kind !== 'value') {
    const { reason, message } = reading ?? { reason: reasons.NOT_READ, message: 'not asked for yet' };
    return {
      ...check,
      value: '–',
      verdict: 'inconclusive',
      reason,
      message: `${metric.name}: ${message}`,
    };
  }
  const { kept, words } = comparison(reading.value, metric);
  return {
    ...check,
    value: measure(reading.value),
    verdict: kept ? 'pass' : 'fail',
    reason: kept ? reasons.METRIC_KEPT : reasons.METRIC_MISSED,
    message: `${metric.name} ${words}`,
  };
};
