import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import { createStore, withWriters } from '../../src/kube/store.ts';
import { createMemoryLog } from './memory-log.ts';

const pod = (name: string, version: number, extra: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', uid: name, resourceVersion: String(version), ...extra },
});

const setUp = () => {
  const log = createMemoryLog();
  const store = createStore({ log });
  const changes: string[] = [];
  store.onChange(({ before, after }) => {
    const name = (after ?? before)?.metadata.name;
    changes.push(`${name} ${before?.metadata.resourceVersion} → ${after?.metadata.resourceVersion}`);
  });
  return { log, store, changes };
};

describe('a store', () => {
  it('is synced once it has taken a list', () => {
    const { store } = setUp();
    store.upsert(pod('a', 1));
    expect(store.synced()).toBe(false);
    store.replace([]);
    expect(store.synced()).toBe(true);
  });

  it('tells only what a list really changes', () => {
    const { store, changes } = setUp();
    store.replace([pod('same', 1), pod('changed', 2), pod('gone', 3)]);
    changes.length = 0;
    store.replace([pod('same', 1), pod('changed', 4), pod('added', 5)]);
    expect(changes).toEqual(['gone 3 → undefined', 'changed 2 → 4', 'added undefined → 5']);
  });

  it('ignores duplicates and what is older than known', () => {
    const { store, changes } = setUp();
    for (const version of [9, 9, 8, 10]) store.upsert(pod('a', version));
    expect(changes).toEqual(['a undefined → 9', 'a 9 → 10']);
  });

  it('keeps a re-created namesake when the deletion of the first comes late', () => {
    const { store } = setUp();
    store.upsert(pod('a', 9, { uid: 'second' }));
    store.remove(pod('a', 8, { uid: 'first' }));
    expect(store.get('shop/a')?.metadata.uid).toBe('second');
    store.remove(pod('a', 10, { uid: 'second' }));
    expect(store.get('shop/a')).toBeUndefined();
  });

  it('isolates handlers from each other and logs the one that threw', () => {
    const { store, log } = setUp();
    const seen: string[] = [];
    store.onChange(() => {
      throw new Error('broken handler');
    });
    store.onChange(({ after }) => seen.push(after!.metadata.name));
    store.upsert(pod('a', 1));
    expect(seen).toEqual(['a']);
    expect(log.lines).toMatchObject([
      { level: 'error', fields: { object: 'shop/a', kind: 'Pod', message: 'broken handler' } },
    ]);
  });

  it('finds by namespace and by controller, also after both have changed', () => {
    const { store } = setUp();
    const owner = (uid: string) => [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid, controller: true },
    ];
    store.replace([pod('a', 1, { ownerReferences: owner('one') }), pod('b', 2, { namespace: 'other' })]);
    const names = (objects: KubeObject[]) => objects.map(({ metadata }) => metadata.name);
    expect(names(store.inNamespace('shop'))).toEqual(['a']);
    expect(names(store.controlledBy('one'))).toEqual(['a']);
    store.upsert(pod('a', 3, { ownerReferences: owner('two') }));
    expect(names(store.controlledBy('one'))).toEqual([]);
    expect(names(store.controlledBy('two'))).toEqual(['a']);
    store.replace([]);
    expect(names(store.controlledBy('two'))).toEqual([]);
    expect(store.inNamespace('other')).toEqual([]);
  });

  it('drops field ownership and nothing else', () => {
    const { store } = setUp();
    store.upsert({ ...pod('a', 1, { managedFields: [{ manager: 'x' }] }), novel: true } as KubeObject);
    expect(store.get('shop/a')).toEqual({ ...pod('a', 1), novel: true });
  });

  it('keeps who has written when, where that is asked for', () => {
    const store = createStore({ log: createMemoryLog(), project: withWriters });
    const entry = { manager: 'jane', operation: 'Update', time: 'then', fieldsV1: { 'f:spec': {} } };
    store.upsert(pod('a', 1, { managedFields: [entry] }));
    expect(store.get('shop/a')?.metadata.managedFields).toEqual([{ manager: 'jane', time: 'then' }]);
  });

  it('keeps what a projection leaves', () => {
    const store = createStore({
      log: createMemoryLog(),
      project: ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }),
    });
    store.replace([{ ...pod('a', 1), data: 'large' } as KubeObject]);
    expect(store.list()).toEqual([pod('a', 1)]);
  });
});
