import type { KubeObject } from '../core/objects.ts';
import { type Backoff, createBackoff } from './backoff.ts';
import { describeError, isForbidden, isGone, isNotFound, isUnauthorized, KubeError } from './errors.ts';
import { linkSignal } from './linked-signal.ts';
import type { Log } from './log.ts';
import { listAll } from './paged-list.ts';
import { pathOf, type ResourceKind } from './resources.ts';
import type { Rest } from './rest.ts';
import type { WritableStore } from './store.ts';
import { systemTiming, type Timing } from './timing.ts';
import { decodeWatchEvent, type WatchEvent } from './watch-event.ts';

// The API server sends a bookmark about once a minute on the quietest watch.
const IDLE_MS = 90_000;
const SHORTEST_WATCH_S = 240;
const LONGEST_WATCH_S = 360;
const HEALTHY_MS = 60_000;
// A watch that ends within this time did not end because its time was up.
const HASTY_MS = 5_000;
const MIN_RELIST_MS = 1_000;
const REFUSED_WAIT_MS = 30_000;
const ABSENT_WAIT_MS = 30_000;
const LOUD_AFTER_RELISTS = 5;

/** What a reflector tells metrics; each is optional. */
export interface ReflectorHooks {
  onEvent?(type: WatchEvent['type']): void;
  /** The store was filled from a list, and why: first of all, too old a version, a bad line, a kind not served before. */
  onList?(why: 'start' | 'expired' | 'undecodable' | 'absent'): void;
  /** A watch was silent for the idle time and is made anew. */
  onIdle?(): void;
  onFailure?(reason: string): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  rest: Rest;
  kind: ResourceKind;
  store: WritableStore<T>;
  log: Log;
  namespace?: string;
  labelSelector?: string;
  timing?: Timing;
  hooks?: ReflectorHooks;
  /** Milliseconds without a message after which a watch counts as dead; default 90 s. */
  idleMs?: number;
}

/** Keeps a store equal to what the API server has. */
export interface Reflector {
  /** Lists and watches until the signal aborts, through every failure. A second call throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Wall clock, milliseconds since 1970, of the last sign of life; undefined before the first. */
  lastMessageAt(): number | undefined;
}

interface Loop<T extends KubeObject> extends ReflectorOptions<T> {
  timing: Timing;
  idleMs: number;
  backoff: Backoff;
  /** Where the next watch starts; undefined: list first. */
  version: string | undefined;
  why: 'start' | 'expired' | 'undecodable' | 'absent';
  /** Monotonic times. */
  listedAt: number | undefined;
  startedAt: number;
  messageAt: number;
  lastMessageAt: number | undefined;
  expiredInARow: number;
  absent: boolean;
}

const touch = <T extends KubeObject>(loop: Loop<T>): void => {
  loop.messageAt = loop.timing.monotonic();
  loop.lastMessageAt = loop.timing.now();
};

const relist = async <T extends KubeObject>(loop: Loop<T>, signal: AbortSignal): Promise<string> => {
  const { rest, kind, timing, namespace, labelSelector } = loop;
  const sinceLast = loop.listedAt === undefined ? Infinity : timing.monotonic() - loop.listedAt;
  if (sinceLast < MIN_RELIST_MS) await timing.sleep(MIN_RELIST_MS - sinceLast, signal);
  loop.listedAt = timing.monotonic();
  const { items, resourceVersion } = await listAll<T>(rest, kind, { signal, namespace, labelSelector });
  touch(loop);
  loop.store.replace(items);
  loop.hooks?.onList?.(loop.why);
  loop.absent = false;
  return resourceVersion;
};

const take = <T extends KubeObject>(loop: Loop<T>, event: WatchEvent): void => {
  loop.hooks?.onEvent?.(event.type);
  if (event.type === 'DELETED') loop.store.remove(event.object as T);
  else if (event.type !== 'BOOKMARK') loop.store.upsert(event.object as T);
  loop.version = event.resourceVersion;
  loop.expiredInARow = 0;
};

/** Resolves true once nothing was heard for the idle time; false when the signal aborts first. */
const silence = async <T extends KubeObject>(loop: Loop<T>, signal: AbortSignal): Promise<boolean> => {
  while (!signal.aborted) {
    const left = loop.messageAt + loop.idleMs - loop.timing.monotonic();
    if (left <= 0) return true;
    await loop.timing.sleep(left, signal);
  }
  return false;
};

const watch = async <T extends KubeObject>(loop: Loop<T>, signal: AbortSignal): Promise<void> => {
  const { rest, kind, namespace, labelSelector, timing } = loop;
  // Spread out, so that the watches of all replicas do not end together.
  const timeoutSeconds = Math.round(
    SHORTEST_WATCH_S + timing.random() * (LONGEST_WATCH_S - SHORTEST_WATCH_S),
  );
  const lines = await rest.stream({
    method: 'GET',
    path: pathOf(kind, namespace === undefined ? {} : { namespace }),
    query: {
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: loop.version,
      timeoutSeconds,
      labelSelector,
    },
    signal,
  });
  touch(loop);
  for await (const line of lines) {
    touch(loop);
    take(loop, decodeWatchEvent(line));
  }
};

/** A half-open connection is silent, not broken: only the clock tells. */
const watchUnlessSilent = async <T extends KubeObject>(loop: Loop<T>, parent: AbortSignal): Promise<void> => {
  const link = linkSignal(parent);
  let idle = false;
  loop.messageAt = loop.timing.monotonic();
  const guard = silence(loop, link.signal).then((silent) => {
    idle = silent;
    if (silent) link.abort();
  });
  try {
    await watch(loop, link.signal);
  } catch (error) {
    if (!idle) throw error;
    loop.hooks?.onIdle?.();
    loop.log.info({ kind: loop.kind, idleMs: loop.idleMs }, 'watch was silent, connecting anew');
  } finally {
    link.abort();
    link.unlink();
    await guard;
  }
};

const forget = <T extends KubeObject>(loop: Loop<T>, why: 'expired' | 'undecodable'): void => {
  loop.version = undefined;
  loop.why = why;
};

/** The kind is not served: its CRD is not installed. As good as an empty list, and expected. */
const settleAbsent = <T extends KubeObject>(loop: Loop<T>): number => {
  if (!loop.absent) loop.log.info({ kind: loop.kind }, 'kind is not served, looking again every 30 s');
  loop.absent = true;
  loop.version = undefined;
  loop.why = 'absent';
  loop.store.replace([]);
  touch(loop);
  return ABSENT_WAIT_MS;
};

const settleExpired = <T extends KubeObject>(loop: Loop<T>): number => {
  forget(loop, 'expired');
  loop.expiredInARow += 1;
  const level = loop.expiredInARow < LOUD_AFTER_RELISTS ? 'info' : 'error';
  loop.log[level]({ kind: loop.kind, inARow: loop.expiredInARow }, 'resource version expired, listing anew');
  // Once is the normal course of things; again and again would be a storm.
  return loop.expiredInARow === 1 ? 0 : loop.backoff.next();
};

/** Decides how long to wait after a failure, and whether the version can still be trusted. Default: try again. */
const settleFailure = <T extends KubeObject>(loop: Loop<T>, error: unknown): number => {
  if (isNotFound(error)) return settleAbsent(loop);
  const { kind, log } = loop;
  const failure = describeError(error);
  loop.hooks?.onFailure?.(failure.reason);
  if (isGone(error)) return settleExpired(loop);
  if (isUnauthorized(error) || isForbidden(error)) {
    log.error({ kind, ...failure }, 'reading is refused: check the ClusterRole and its binding');
    return REFUSED_WAIT_MS * (0.5 + loop.timing.random() / 2);
  }
  if (!(error instanceof KubeError) || error.reason === 'Undecodable' || error.reason === 'LineTooLong') {
    // The same line would come again from the same version.
    forget(loop, 'undecodable');
  }
  log.warn({ kind, ...failure }, 'reading failed, trying again');
  return Math.max(loop.backoff.next(), error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0);
};

/** One list or watch; resolves to the milliseconds to wait before the next. */
const turn = async <T extends KubeObject>(loop: Loop<T>, signal: AbortSignal): Promise<number> => {
  loop.startedAt = loop.timing.monotonic();
  const lasted = () => loop.timing.monotonic() - loop.startedAt;
  try {
    if (loop.version === undefined) {
      loop.version = await relist(loop, signal);
      return 0;
    }
    await watchUnlessSilent(loop, signal);
    if (lasted() >= HEALTHY_MS) loop.backoff.reset();
    return lasted() < HASTY_MS ? loop.backoff.next() : 0;
  } catch (error) {
    if (signal.aborted) return 0;
    if (lasted() >= HEALTHY_MS) loop.backoff.reset();
    return settleFailure(loop, error);
  }
};

/** One loop per kind; handlers of the store are called from it. */
export const createReflector = <T extends KubeObject>(options: ReflectorOptions<T>): Reflector => {
  const timing = options.timing ?? systemTiming;
  let running = false;
  const loop: Loop<T> = {
    ...options,
    timing,
    idleMs: options.idleMs ?? IDLE_MS,
    backoff: createBackoff({ baseMs: 500, maxMs: 15_000, random: timing.random }),
    version: undefined,
    why: 'start',
    listedAt: undefined,
    startedAt: 0,
    messageAt: 0,
    lastMessageAt: undefined,
    expiredInARow: 0,
    absent: false,
  };
  return {
    run: async (signal) => {
      if (running) throw new Error(`the reflector of ${options.kind} runs already`);
      running = true;
      while (!signal.aborted) {
        const waitMs = await turn(loop, signal);
        if (waitMs > 0) await timing.sleep(waitMs, signal);
      }
    },
    lastMessageAt: () => loop.lastMessageAt,
  };
};
