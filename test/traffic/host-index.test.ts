import { expect, it } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import { createStore } from '../../src/kube/store.ts';
import { createHostIndex } from '../../src/traffic/host-index.ts';

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
type Named = KubeObject & { hosts: string[] };
const naming = (name: string, version: number, ...hosts: string[]): Named => ({
  apiVersion: 'v1',
  kind: 'Named',
  metadata: { name, namespace: 'shop', uid: name, resourceVersion: String(version) },
  hosts,
});
const names = (objects: Named[]): string[] => objects.map(({ metadata }) => metadata.name).sort();

it('finds objects by what they name now, those listed before it included', () => {
  const store = createStore<Named>({ log });
  store.upsert(naming('early', 1, 'a.b', 'a.b', 'c.d'));
  const index = createHostIndex(store, ({ hosts }) => hosts);
  store.upsert(naming('late', 2, 'a.b', '*.d'));
  expect(names(index.naming('a.b'))).toEqual(['early', 'late']);
  expect(names(index.naming('c.d'))).toEqual(['early']);
  expect(names(index.withWildcard())).toEqual(['late']);

  store.upsert(naming('late', 3, 'c.d'));
  expect(names(index.naming('a.b'))).toEqual(['early']);
  expect(names(index.naming('c.d'))).toEqual(['early', 'late']);
  expect(index.withWildcard()).toEqual([]);

  store.remove(naming('early', 4, 'a.b', 'a.b', 'c.d'));
  expect(index.naming('a.b')).toEqual([]);
  expect(names(index.naming('c.d'))).toEqual(['late']);
});
