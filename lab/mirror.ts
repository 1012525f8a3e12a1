import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeObject, keyOf } from '../src/core/objects.ts';
import { withDeadline } from './deadline.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** A copy of one collection, kept by list and watch. */
export interface Mirror<T extends KubeObject = KubeObject> {
  list(): T[];
  get(key: string): T | undefined;
  /** Called for what is there already, then for each change. A handler that throws is reported and harms no other. */
  onChange(handler: (object: T, type: ChangeType) => void): void;
  /** The first list is in. Never rejects; stays pending when the signal aborts before. */
  ready: Promise<void>;
}

export interface MirrorSource {
  list(path: string): Promise<ObjectList>;
  /** One JSON document per line, until the server or the signal ends it. */
  watch(path: string, signal: AbortSignal): Promise<Readable>;
}

export interface ObjectList {
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion: string };
  items: Omit<KubeObject, 'apiVersion' | 'kind'>[];
}

const RESTART_AFTER_MS = 250;
// The server ends each watch after this; no answer for longer than that is a dead connection.
const WATCH_SECONDS = 240;

/** Starts mirroring at once; `api.mirror` is the way to call it. */
export const startMirror = <T extends KubeObject>(
  source: MirrorSource,
  path: string,
  signal: AbortSignal,
): Mirror<T> => {
  const cache = createCache<T>();
  const ready = deferred();
  const follow = async (): Promise<void> => {
    let version: string | undefined;
    while (!signal.aborted) {
      const following = { cache, signal, listed: ready.resolve };
      version = await listAndWatch(source, path, following, version).catch(() => undefined);
      await sleep(RESTART_AFTER_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  void follow();
  return { list: cache.list, get: cache.get, onChange: cache.onChange, ready: ready.promise };
};

const deferred = (): { promise: Promise<void>; resolve: () => void } => {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
};

interface Cache<T extends KubeObject> extends Omit<Mirror<T>, 'ready'> {
  replaceAll(objects: T[]): void;
  apply(object: T, type: ChangeType): void;
}

const createCache = <T extends KubeObject>(): Cache<T> => {
  const objects = new Map<string, T>();
  const handlers: ((object: T, type: ChangeType) => void)[] = [];
  const call = (handler: (object: T, type: ChangeType) => void, object: T, type: ChangeType): void => {
    try {
      handler(object, type);
    } catch (error) {
      console.error(`lab: handler of ${object.kind} ${keyOf(object)} failed:`, error);
    }
  };
  const apply = (object: T, type: ChangeType): void => {
    if (type === 'DELETED') objects.delete(keyOf(object));
    else objects.set(keyOf(object), object);
    for (const handler of handlers) call(handler, object, type);
  };
  const put = (object: T): void => {
    const known = objects.get(keyOf(object));
    if (known !== undefined && known.metadata.uid !== object.metadata.uid) apply(known, 'DELETED');
    else if (known?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    apply(object, objects.has(keyOf(object)) ? 'MODIFIED' : 'ADDED');
  };
  return {
    list: () => [...objects.values()],
    get: (key) => objects.get(key),
    onChange: (handler) => {
      handlers.push(handler);
      for (const object of objects.values()) call(handler, object, 'ADDED');
    },
    apply: (object, type) => (type === 'DELETED' ? apply(object, type) : put(object)),
    replaceAll: (listed) => {
      const present = new Set<string>(listed.map(keyOf));
      for (const object of [...objects.values()]) if (!present.has(keyOf(object))) apply(object, 'DELETED');
      listed.forEach(put);
    },
  };
};

interface Following<T extends KubeObject> {
  cache: Cache<T>;
  signal: AbortSignal;
  listed: () => void;
}

/**
 * @param known from which to go on, without a list, which would skip what came and went since
 * @returns when the server has ended the watch: the version up to which all is known; undefined where that is too old
 * @throws when the watch breaks
 */
const listAndWatch = async <T extends KubeObject>(
  source: MirrorSource,
  path: string,
  { cache, signal, listed }: Following<T>,
  known: string | undefined,
): Promise<string | undefined> => {
  let version = known;
  if (version === undefined) {
    const answer = await source.list(path);
    const kind = answer.kind.replace(/List$/, '');
    // Items of a list come without their own kind.
    cache.replaceAll(answer.items.map((item) => ({ apiVersion: answer.apiVersion, kind, ...item }) as T));
    listed();
    version = answer.metadata.resourceVersion;
  }
  const query = `watch=true&timeoutSeconds=${WATCH_SECONDS}&resourceVersion=${version}`;
  return withDeadline(signal, (WATCH_SECONDS + 10) * 1000, async (deadline) => {
    const stream = await source.watch(`${path}?${query}`, deadline);
    for await (const line of linesOf(stream)) {
      const event = JSON.parse(line) as { type: ChangeType | 'ERROR' | 'BOOKMARK'; object: T };
      if (event.type === 'ERROR') return undefined;
      if (event.type !== 'BOOKMARK') cache.apply(event.object, event.type);
      version = event.object.metadata.resourceVersion ?? version;
    }
    return version;
  });
};

// Not node:readline: it never tells its reader that the input has failed.
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  stream.setEncoding('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
}
