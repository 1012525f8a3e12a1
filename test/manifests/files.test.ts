import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { parseAllDocuments, parse as parseYaml } from 'yaml';
import { manifestFiles as files, MANIFESTS as ROOT } from './manifest-files.ts';
import { isKustomization, manifests } from './manifests.ts';

describe('the manifests', () => {
  it('are all installed by a kustomization', () => {
    const listed = files.filter(isKustomization).flatMap((file) => {
      const { resources } = parseYaml(readFileSync(join(ROOT, file), 'utf8')) as { resources: string[] };
      return resources.map((resource) => join(dirname(file), resource));
    });
    expect(listed.filter((resource) => resource.endsWith('.yaml')).sort()).toEqual(
      files.filter((file) => !isKustomization(file)).sort(),
    );
    for (const resource of listed) expect(existsSync(join(ROOT, resource))).toBe(true);
  });

  test.each(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest] as const))(
    '%s is complete',
    (_, manifest) => {
      expect(manifest.apiVersion).toEqual(expect.any(String));
      expect(manifest.metadata.name).toEqual(expect.any(String));
    },
  );
});

test('every manifest says the same in YAML 1.1, which kubectl reads: there, a bare n, y, on or off is a boolean', () => {
  const read = (file: string, version: '1.1' | '1.2') =>
    parseAllDocuments(readFileSync(join(ROOT, file), 'utf8'), { version, merge: true }).map(
      (document) => document.toJS() as unknown,
    );
  for (const file of files) expect(read(file, '1.1'), file).toEqual(read(file, '1.2'));
});
