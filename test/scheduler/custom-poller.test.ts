import { describe, expect, it } from 'vitest';
import type { CustomTarget } from '../../src/analysis/custom-metrics.ts';
import { policyMetric } from '../../src/core/policy-metric.ts';
import { createCustomPoller } from '../../src/scheduler/custom-poller.ts';

const metric = policyMetric.parse({ name: 'queue', query: 'queue', max: 5 });
const target: CustomTarget = {
  key: 'shop/web',
  primary: 'web',
  canary: 'web-canary',
  intervalMs: 60_000,
  metrics: [metric],
};

/** One look for each list of targets, and what was known after it. */
const look = async (...wanted: CustomTarget[][]) => {
  const stop = new AbortController();
  const asked: string[][] = [];
  const told: string[] = [];
  const known: unknown[] = [];
  let looks = 0;
  const poller = createCustomPoller({
    reader: {
      read: (targets) => {
        asked.push(targets.map(({ key }) => key));
        const at = '2026-11-21T02:00:00Z';
        return Promise.resolve(
          new Map(targets.map(({ key }) => [key, [{ metric, at, kind: 'value', value: asked.length }]])),
        );
      },
    },
    targets: () => wanted[looks] ?? [],
    onReading: (key) => told.push(key),
    intervalMs: 2_000,
    sleep: () => {
      known.push(poller.readingsOf('shop/web').map((reading) => 'value' in reading && reading.value));
      looks += 1;
      if (looks === wanted.length) stop.abort();
      return Promise.resolve();
    },
  });
  await poller.run(stop.signal);
  return { asked, told, known };
};

describe('looks at the metrics of users', () => {
  it('ask nothing where nothing is due, and forget what was', async () => {
    expect(await look([target], [target], [])).toEqual({
      asked: [['shop/web'], ['shop/web']],
      told: ['shop/web', 'shop/web'],
      known: [[1], [2], []],
    });
  });
});
