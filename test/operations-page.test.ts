import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createMetrics } from '../src/telemetry/metrics.ts';

const page = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8');

it('the page about running Kanari explains every metric of its own', () => {
  const names = createMetrics()
    .registry.getMetricsAsArray()
    .map(({ name }) => name);
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !page.includes(`\n| \`${name}\``))).toEqual([]);
});
