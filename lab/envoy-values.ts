import type { JsonObject } from '../src/core/objects.ts';
import type { Percent } from './http-route.ts';

// Istio's spellings of quantities in Envoy's.

const UNIT_SECONDS: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 0.001, us: 0.000_001 };

/** A Go duration (`1m30s`, `500ms`) as Envoy's JSON wants it, in seconds. */
export const durationOf = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const parts = [...text.matchAll(/([\d.]+)(ms|us|h|m|s)/g)];
  const seconds = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit ?? ''] ?? 0),
    0,
  );
  return `${Number(seconds.toFixed(6))}s`;
};

export const fractionOf = ({ value = 0 }: Percent): JsonObject => ({
  numerator: Math.round(value * 10_000),
  denominator: 'MILLION',
});
