import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseSettings } from '../../../src/core/settings.ts';

interface Example {
  metadata: { annotations: Record<string, string> };
  spec: { template: { spec: { containers: { image?: string }[] } } };
}

const read = (name: string): Example =>
  parse(readFileSync(join(import.meta.dirname, '../../../examples/shop', name), 'utf8')) as Example;

const withoutImage = (example: Example): Example => {
  for (const container of example.spec.template.spec.containers) delete container.image;
  return example;
};

it('the versions of the example differ by their image only, so that it alone is what is released', () => {
  const first = withoutImage(read('web-v1.yaml'));
  expect(withoutImage(read('web-v2.yaml'))).toEqual(first);
  expect(withoutImage(read('web-v3.yaml'))).toEqual(first);
});

it('the settings of the example are understood', () => {
  const { annotations } = read('web-v1.yaml').metadata;
  expect(parseSettings({ deployment: annotations, namespace: {} })).toMatchObject({ ok: true, warnings: [] });
});
