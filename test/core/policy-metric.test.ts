import { describe, expect, it } from 'vitest';
import { policyMetric } from '../../src/core/policy-metric.ts';

const parse = (given: object) =>
  policyMetric.safeParse({ name: 'errors', query: 'sum(errors)', max: 5, ...given });

describe('a metric of a CanaryPolicy', () => {
  it('is read with what it leaves open', () => {
    expect(parse({}).data).toEqual({
      name: 'errors',
      server: undefined,
      query: ['sum(errors)'],
      jsonPointer: undefined,
      min: undefined,
      max: 5,
      intervalMs: undefined,
    });
  });

  it('has a path for its query where there is a pointer, and PromQL where there is none', () => {
    const web = parse({ query: '/errors/{{ canary }}', jsonPointer: '/data/a~1b', interval: '1m30s' });
    expect(web.data).toMatchObject({
      query: ['/errors/', { variable: 'canary', place: 'url' }, ''],
      jsonPointer: ['data', 'a/b'],
      intervalMs: 90_000,
    });
    expect(parse({ query: '/errors/{{ canary }}' }).success).toBe(false);
  });

  it.each<[object, string, string]>([
    [{ max: undefined }, 'max', 'expected min or max (example: max: 500)'],
    [{ min: 7 }, 'max', 'expected not less than min, got 5 (example: 7)'],
    [
      { query: 'a{b="{{ who }}"}' },
      'query',
      'expected one of name, namespace, target, canary, primary, interval',
    ],
    [{ query: '{{ name }}_total' }, 'query', 'expected {{ name }} inside quotes'],
    [{ query: 'errors', jsonPointer: '/a' }, 'query', 'expected a path that begins with one /'],
    [
      { query: '/errors', jsonPointer: 'data' },
      'jsonPointer',
      'expected the way to a value in JSON, got data (example: "/data/0/value")',
    ],
    [{ interval: '' }, 'interval', 'expected a duration from 1s to 24h, got  (example: "5m")'],
    [{ interval: '500ms' }, 'interval', 'expected a duration from 1s to 24h, got 500ms (example: "5m")'],
    [{ name: 'two\nlines' }, 'name', 'expected one line of at most 63 characters (example: "errors")'],
  ])('%j is refused with its place and what is expected', (given, field, words) => {
    const issues = parse(given).error?.issues ?? [];
    expect(issues.map(({ path }) => path)).toEqual([[field]]);
    expect(issues[0]?.message).toContain(words);
  });
});
