import type { KubeObject, ObjectKey } from '../core/objects.ts';
import type { ObjectRef, ResourceKind } from './resources.ts';

// Ports of the Kubernetes API that the rest of Kanari is written against. rest.ts, writer.ts and store.ts implement
// them; tests use fakes. Objects are raw JSON: nothing that the API server sent is dropped.

export interface WriteOptions {
  signal: AbortSignal;
  subresource?: 'status';
}

export interface JsonPatchOperation {
  op: 'add' | 'remove' | 'replace' | 'test' | 'move' | 'copy';
  path: string;
  value?: unknown;
  from?: string;
}

/** Writes, one function per patch kind, each with field manager `kanari`. All throw KubeError. Never PUT. */
export interface Writer {
  create<T extends KubeObject>(object: T, options: { signal: AbortSignal }): Promise<T>;
  /** Server-side apply; `force` takes over fields others own, so only for objects that are wholly Kanari's. */
  apply<T extends KubeObject>(object: T, options: WriteOptions & { force?: boolean }): Promise<T>;
  mergePatch(ref: ObjectRef, body: object, options: WriteOptions): Promise<KubeObject>;
  /** Lists with a merge key (conditions, ports) merge by it: built-in kinds only. */
  strategicPatch(ref: ObjectRef, body: object, options: WriteOptions): Promise<KubeObject>;
  /** Put `test` operations first: a failed one throws KubeError 422 and nothing is written. */
  jsonPatch(ref: ObjectRef, operations: JsonPatchOperation[], options: WriteOptions): Promise<KubeObject>;
  /** Resolves also when the object is gone already, or has another UID than asked for. Background propagation. */
  delete(
    ref: ObjectRef,
    options: { signal: AbortSignal; uid?: string; resourceVersion?: string },
  ): Promise<void>;
}

export interface ListOptions {
  signal: AbortSignal;
  namespace?: string;
  labelSelector?: string;
}

/** Reads that go to the API server itself; for what a cache can't answer. All throw KubeError. */
export interface Reader {
  get<T extends KubeObject>(ref: ObjectRef, options: { signal: AbortSignal }): Promise<T>;
  /** Follows `continue` to the end. */
  list<T extends KubeObject>(kind: ResourceKind, options: ListOptions): Promise<T[]>;
}

/** The latest known object by key, kept by a reflector. Reads are synchronous and answer from memory. */
export interface Store<T extends KubeObject = KubeObject> {
  get(key: ObjectKey): T | undefined;
  list(): T[];
  /** Objects of one namespace, from an index. */
  inNamespace(namespace: string): T[];
  /** Objects controlled by the owner with this UID, from an index. */
  controlledBy(uid: string): T[];
  /** Called after each change with both states; a handler that throws is logged and harms no other. */
  onChange(handler: (change: { before: T | undefined; after: T | undefined }) => void): void;
  /** The first list is complete. */
  synced(): boolean;
}
