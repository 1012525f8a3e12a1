import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIRST_START_MS } from '../../lab/lab.ts';
import type { CanaryPolicy } from '../../src/core/canary-policy.ts';
import { type Shop, startWorld, type World } from './shop.ts';

// Metrics of users' own: what the API server says to them, and what becomes of the runs that they judge.

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, FIRST_START_MS);
afterAll(() => world?.stop());

const policy = (spec: CanaryPolicy['spec'] & object): CanaryPolicy => ({
  apiVersion: 'kanari.dev/v1alpha1',
  kind: 'CanaryPolicy',
  metadata: { name: 'careful' },
  spec,
});

describe('the API server', () => {
  let shop: Shop;
  const answerTo = async (metric: object): Promise<string> => {
    const metrics = [{ name: 'errors', query: 'sum(errors)', max: 5, ...metric }];
    const { stdout, stderr } = await shop.tryKubectl(
      ['apply', '--dry-run=server', '-f', '-'],
      policy({ metrics }),
    );
    return stdout + stderr;
  };
  beforeAll(async () => {
    shop = await world.openShop('answers');
  });

  it.each<object>([
    { query: 'sum(rate(a{b="{{ canary }}", c=~\'{{primary}}-.*\', d=`{{ namespace }}`}[{{ interval }}]))' },
    { query: '{__name__="{{ name }}_total"} # {{ target }}, don\'t' },
    { query: 'a{b="\\"{{ canary }}"}\n/ 2' },
    { query: '/errors?service={{ canary }}', jsonPointer: '/data/0/a~1b', server: 'billing' },
    { query: '/', jsonPointer: '' },
    { interval: '1m30s', min: -1.5, max: 1e9 },
  ])('takes %j', async (metric) => {
    expect(await answerTo(metric)).toContain('created (server dry run)');
  });

  it.each<[object, string]>([
    [
      { query: 'a{b="{{ who }}"}' },
      'spec.metrics[0].query: Invalid value: "a{b=\\"{{ who }}\\"}": expected each {{ to begin one of',
    ],
    [{ query: 'a{b="{{ canary"}' }, 'spec.metrics[0].query: Invalid value'],
    [
      { query: '{{ name }}_total' },
      'spec.metrics[0].query: Invalid value: expected strings that end, and variables other than',
    ],
    [{ query: 'a{b="c}' }, 'spec.metrics[0].query: Invalid value: expected strings that end'],
    [{ query: "a # don't {{ name }}\n+ {{ name }}" }, 'expected strings that end, and variables other than'],
    [
      { query: 'errors', jsonPointer: '/a' },
      'spec.metrics[0].query: Invalid value: expected a path that begins with one / beside jsonPointer',
    ],
    [{ query: '//evil.example/', jsonPointer: '/a' }, 'expected a path that begins with one /'],
    [{ jsonPointer: 'a', query: '/' }, 'spec.metrics[0].jsonPointer: Invalid value: "a"'],
    [{ min: 7 }, 'spec.metrics[0]: Invalid value: max: expected not less than min'],
    [{ max: null }, 'spec.metrics[0]: Invalid value: expected min or max (example: max: 500)'],
    [{ name: 'two\nlines' }, 'spec.metrics[0].name: Invalid value'],
    [
      { interval: '0s' },
      'spec.metrics[0].interval: Invalid value: "0s": expected a duration from 1s to 24h, got 0s (example: 5m)',
    ],
    [{ server: 'http://evil' }, 'spec.metrics[0].server: Invalid value: "http://evil"'],
  ])('refuses %j in words', async (metric, words) => {
    expect(await answerTo(metric)).toContain(words);
  });
});
