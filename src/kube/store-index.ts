import type { KubeObject, ObjectKey } from '../core/objects.ts';

/** Objects grouped by a value computed from each; objects without one are in no group. */
export interface StoreIndex<T extends KubeObject> {
  add(key: ObjectKey, object: T): void;
  remove(key: ObjectKey, object: T): void;
  get(value: string): T[];
}

export const createStoreIndex = <T extends KubeObject>(
  valueOf: (object: T) => string | undefined,
): StoreIndex<T> => {
  const groups = new Map<string, Map<ObjectKey, T>>();
  return {
    add: (key, object) => {
      const value = valueOf(object);
      if (value === undefined) return;
      const group = groups.get(value) ?? new Map<ObjectKey, T>();
      groups.set(value, group.set(key, object));
    },
    remove: (key, object) => {
      const value = valueOf(object);
      if (value === undefined) return;
      const group = groups.get(value);
      group?.delete(key);
      if (group?.size === 0) groups.delete(value);
    },
    get: (value) => [...(groups.get(value)?.values() ?? [])],
  };
};
