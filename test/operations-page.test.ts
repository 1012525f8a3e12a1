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

it('the page about running Kanari links to headings that are there', () => {
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slug(heading));
  const targets = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, target = '']) => target);
  expect(targets.length).toBeGreaterThan(5);
  expect(targets.filter((target) => !headings.includes(target))).toEqual([]);
});
