import { controllerOf, type JsonObject, type KubeObject, keyOf, type ObjectKey } from '../core/objects.ts';
import type { Store } from './api.ts';
import { describeError } from './errors.ts';
import type { Log } from './log.ts';
import { isNewer } from './resource-version.ts';
import { createStoreIndex } from './store-index.ts';

/** The side of a store that a reflector feeds. */
export interface WritableStore<T extends KubeObject = KubeObject> extends Store<T> {
  /** Takes a complete list: what it lacks is gone, what has the same resourceVersion is unchanged. */
  replace(objects: readonly T[]): void;
  /** Takes one object that was added or changed; ignored unless newer than the one known. */
  upsert(object: T): void;
  /** Takes the last state of an object that was deleted; ignored when a newer one is known. */
  remove(object: T): void;
}

export interface StoreOptions<T extends KubeObject> {
  log: Log;
  /** Keeps only what is needed of an object. Identity fields and resourceVersion must stay. */
  project?: (object: T) => T;
}

type Handler<T> = Parameters<Store<T & KubeObject>['onChange']>[0];

/** Drops the record of field ownership, which is often larger than the object and read by nobody here. */
export const withoutManagedFields = <T extends KubeObject>(object: T): T => {
  const metadata = { ...object.metadata };
  delete metadata.managedFields;
  return { ...object, metadata };
};

/** Keeps of the record of field ownership who has written when: little, and enough to say who rewrote a route. */
export const withWriters = <T extends KubeObject>(object: T): T => {
  const managedFields = (object.metadata.managedFields ?? []).map((entry) => {
    const { manager, subresource, time } = entry as JsonObject;
    return { manager, subresource, time };
  });
  return { ...object, metadata: { ...object.metadata, managedFields } };
};

const createEmitter = <T extends KubeObject>(log: Log) => {
  const handlers: Handler<T>[] = [];
  return {
    add: (handler: Handler<T>) => void handlers.push(handler),
    emit: (key: ObjectKey, change: { before: T | undefined; after: T | undefined }) => {
      for (const handler of handlers) {
        try {
          handler(change);
        } catch (error) {
          const kind = change.after?.kind ?? change.before?.kind;
          log.error({ object: key, kind, ...describeError(error) }, 'change handler threw');
        }
      }
    },
  };
};

/** A store of the objects of one kind, empty and not synced. Handlers are called synchronously, in key order of arrival. */
export const createStore = <T extends KubeObject = KubeObject>(
  options: StoreOptions<T>,
): WritableStore<T> => {
  const { log, project = withoutManagedFields } = options;
  const objects = new Map<ObjectKey, T>();
  const byNamespace = createStoreIndex<T>((object) => object.metadata.namespace ?? '');
  const byController = createStoreIndex<T>((object) => controllerOf(object)?.uid);
  const emitter = createEmitter<T>(log);
  let synced = false;

  const set = (key: ObjectKey, after: T | undefined): void => {
    const before = objects.get(key);
    for (const index of [byNamespace, byController]) {
      if (before !== undefined) index.remove(key, before);
      if (after !== undefined) index.add(key, after);
    }
    if (after === undefined) objects.delete(key);
    else objects.set(key, after);
    if (before !== undefined || after !== undefined) emitter.emit(key, { before, after });
  };

  return {
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    inNamespace: (namespace) => byNamespace.get(namespace),
    controlledBy: (uid) => byController.get(uid),
    onChange: emitter.add,
    synced: () => synced,
    replace: (listed) => {
      const present = new Set(listed.map(keyOf));
      for (const key of [...objects.keys()]) if (!present.has(key)) set(key, undefined);
      for (const object of listed) {
        const known = objects.get(keyOf(object))?.metadata.resourceVersion;
        if (known === undefined || known !== object.metadata.resourceVersion)
          set(keyOf(object), project(object));
      }
      synced = true;
    },
    upsert: (object) => {
      const known = objects.get(keyOf(object));
      if (known === undefined || isNewer(object.metadata.resourceVersion, known.metadata.resourceVersion)) {
        set(keyOf(object), project(object));
      }
    },
    remove: (object) => {
      const known = objects.get(keyOf(object));
      if (known === undefined) return;
      const { uid, resourceVersion } = known.metadata;
      // A late deletion of a namesake's must not take the one that has replaced it.
      if (uid === object.metadata.uid || isNewer(object.metadata.resourceVersion, resourceVersion)) {
        set(keyOf(object), undefined);
      }
    },
  };
};
