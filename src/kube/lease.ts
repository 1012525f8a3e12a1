import type { KubeObject } from '../core/objects.ts';
import type { Reader, Writer } from './api.ts';
import { describeError, isConflict, isNotFound } from './errors.ts';
import { linkSignal } from './linked-signal.ts';
import type { Log } from './log.ts';
import { microTime } from './micro-time.ts';
import { apiVersionOf, type ObjectRef } from './resources.ts';
import { systemTiming, type Timing } from './timing.ts';

interface Lease extends KubeObject {
  spec?: {
    /** Empty or absent: released. */
    holderIdentity?: string | null;
    leaseDurationSeconds?: number | null;
    acquireTime?: string | null;
    renewTime?: string | null;
    leaseTransitions?: number | null;
  };
}

export interface ElectorOptions {
  writer: Writer;
  reader: Reader;
  lease: { namespace: string; name: string };
  /** Unique per process: two with the same would both lead. */
  identity: string;
  /**
   * The leader's work. The signal aborts the moment leadership ends or can no longer be proven; the work must then
   * settle, and the Lease is given up or contended for again only after it has. A rejection ends `run`.
   */
  onStartedLeading(signal: AbortSignal): Promise<void>;
  log: Log;
  timing?: Timing;
  /** Milliseconds others wait after the last renewal they saw; default 15 s. */
  leaseDurationMs?: number;
  /** Milliseconds after the start of the last good renewal until leadership counts as lost; default 10 s. */
  renewDeadlineMs?: number;
  /** Milliseconds between attempts, jittered; default 2 s. */
  retryMs?: number;
}

/** Leader election on a Lease. */
export interface Elector {
  /** Contends, leads, contends again, until the signal aborts; then waits for the work and releases the Lease. */
  run(signal: AbortSignal): Promise<void>;
  /** Computed from the clocks at each call: true only while no other can hold the Lease. */
  isLeader(): boolean;
  /** Throws NotLeaderError unless `isLeader()`. Called before each write of the leader's. */
  fence(): void;
  /** Who held the Lease when it was last read; undefined: nobody, or not read yet. */
  holder(): string | undefined;
}

/** Leadership is not, or no longer, provable: the write that was about to happen must not. */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError';
}

/** A moment on both clocks. */
interface Instant {
  wall: number;
  monotonic: number;
}

interface State extends Required<ElectorOptions> {
  ref: ObjectRef;
  /** The Lease as last seen, and when its record last changed, by this process's clock alone. */
  seen: { lease: Lease; record: string; at: number } | undefined;
  /** When the last good acquisition or renewal was begun; undefined: not leading. */
  renewedAt: Instant | undefined;
}

const instant = ({ timing }: State): Instant => ({ wall: timing.now(), monotonic: timing.monotonic() });

/** Milliseconds of provable leadership left. A machine that slept shows it on the wall clock only. */
const provenMs = (state: State): number => {
  const { renewedAt, renewDeadlineMs } = state;
  if (renewedAt === undefined) return 0;
  const now = instant(state);
  const elapsed = Math.max(now.wall - renewedAt.wall, now.monotonic - renewedAt.monotonic);
  return renewDeadlineMs - elapsed;
};

const isLeader = (state: State): boolean => provenMs(state) > 0;

const observe = (state: State, lease: Lease): void => {
  const record = JSON.stringify(lease.spec ?? {});
  // Clocks of other machines are never trusted: expiry counts from when the record was last seen to change.
  const at = state.seen?.record === record ? state.seen.at : state.timing.monotonic();
  state.seen = { lease, record, at };
};

const isFree = (state: State): boolean => {
  if (state.seen === undefined) return false;
  const { lease, at } = state.seen;
  const holder = lease.spec?.holderIdentity;
  if (!holder || holder === state.identity) return true;
  const durationMs = (lease.spec?.leaseDurationSeconds ?? state.leaseDurationMs / 1000) * 1000;
  return state.timing.monotonic() - at > durationMs;
};

const heldSpec = (state: State, lease: Lease | undefined): NonNullable<Lease['spec']> => {
  const now = microTime(state.timing.now());
  const own = lease?.spec?.holderIdentity === state.identity;
  const transitions = lease?.spec?.leaseTransitions ?? 0;
  return {
    holderIdentity: state.identity,
    leaseDurationSeconds: Math.ceil(state.leaseDurationMs / 1000),
    renewTime: now,
    acquireTime: own ? (lease.spec?.acquireTime ?? now) : now,
    leaseTransitions: own || lease === undefined ? transitions : transitions + 1,
  };
};

/** Writes only over the version last seen; a 409 means that somebody else was faster. */
const write = async (state: State, spec: Lease['spec'], signal: AbortSignal): Promise<void> => {
  const begun = instant(state);
  const { seen, ref, writer } = state;
  const resourceVersion = seen?.lease.metadata.resourceVersion;
  const metadata = { ...state.lease };
  const written: KubeObject =
    seen === undefined
      ? await writer.create<Lease>(
          { apiVersion: apiVersionOf('Lease'), kind: 'Lease', metadata, ...(spec && { spec }) },
          { signal },
        )
      : await writer.mergePatch(ref, { metadata: { resourceVersion }, spec }, { signal });
  observe(state, written);
  // From before the request: others count from when it arrived, which is later.
  if (spec?.holderIdentity === state.identity) state.renewedAt = begun;
};

const read = async (state: State, signal: AbortSignal): Promise<void> => {
  try {
    observe(state, await state.reader.get<Lease>(state.ref, { signal }));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    state.seen = undefined;
  }
};

/** Runs one attempt under a deadline, so that a dead connection does not hold up the next. */
const attempt = async (
  state: State,
  parent: AbortSignal,
  act: (signal: AbortSignal) => Promise<void>,
): Promise<void> => {
  const link = linkSignal(parent);
  const deadline = state.timing
    .sleep(state.renewDeadlineMs / 2, link.signal)
    .then(() => link.abort(new Error('the Lease was not answered for in time')));
  try {
    await act(link.signal);
  } finally {
    link.abort();
    link.unlink();
    await deadline;
  }
};

const pause = (state: State, signal: AbortSignal): Promise<void> =>
  state.timing.sleep(state.retryMs * (1 + state.timing.random() / 5), signal);

const tryAcquire = async (state: State, signal: AbortSignal): Promise<void> => {
  await read(state, signal);
  if (state.seen === undefined || isFree(state))
    await write(state, heldSpec(state, state.seen?.lease), signal);
};

const acquire = async (state: State, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    try {
      await attempt(state, signal, (linked) => tryAcquire(state, linked));
    } catch (error) {
      if (!isConflict(error) && !signal.aborted)
        state.log.warn(describeError(error), 'Lease could not be acquired');
    }
    if (isLeader(state)) return;
    await pause(state, signal);
  }
};

const renew = async (state: State, signal: AbortSignal): Promise<void> => {
  try {
    await write(state, heldSpec(state, state.seen?.lease), signal);
  } catch (error) {
    if (!isConflict(error)) throw error;
    // Somebody annotated it, or an earlier renewal arrived although its answer did not.
    await read(state, signal);
    if (state.seen?.lease.spec?.holderIdentity !== state.identity) state.renewedAt = undefined;
  }
};

/** Renews until leadership is lost or the signal aborts. */
const keep = async (state: State, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted && isLeader(state)) {
    await pause(state, signal);
    if (signal.aborted || !isLeader(state)) return;
    try {
      await attempt(state, signal, (linked) => renew(state, linked));
    } catch (error) {
      if (signal.aborted) return;
      if (isNotFound(error)) state.renewedAt = undefined;
      state.log.warn({ ...describeError(error), provenMs: provenMs(state) }, 'Lease could not be renewed');
    }
  }
};

/** Resolves when leadership can no longer be proven, even while a renewal hangs. */
const unproven = async (state: State, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted && isLeader(state)) await state.timing.sleep(provenMs(state), signal);
};

/** One term: the work under a signal, the renewals beside it. Renewals go on while the work drains. */
const lead = async (state: State, parent: AbortSignal): Promise<void> => {
  const { log, identity } = state;
  log.info({ identity }, 'leading');
  const work = linkSignal(parent);
  const term = new AbortController();
  const renewals = keep(state, term.signal);
  const guard = Promise.race([renewals, unproven(state, term.signal)]).then(() => work.abort());
  const ended = new Promise<void>((resolve) =>
    work.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  try {
    await state.onStartedLeading(work.signal);
    if (!work.signal.aborted) await ended;
  } finally {
    work.unlink();
    term.abort();
    await Promise.all([renewals, guard]);
    if (!isLeader(state)) log.warn({ identity }, 'leadership lost');
  }
};

const giveUp = (state: State, signal: AbortSignal): Promise<void> => {
  const spec = { ...heldSpec(state, state.seen?.lease), holderIdentity: '', leaseDurationSeconds: 1 };
  return write(state, spec, signal);
};

/** Lets the next one in at once instead of after the whole lease. */
const release = async (state: State): Promise<void> => {
  if (!isLeader(state)) return;
  state.renewedAt = undefined;
  try {
    await attempt(state, new AbortController().signal, async (signal) => {
      try {
        await giveUp(state, signal);
      } catch (error) {
        if (!isConflict(error)) throw error;
        // The last renewal, cut off by the stop, may have arrived all the same.
        await read(state, signal);
        if (state.seen?.lease.spec?.holderIdentity === state.identity) await giveUp(state, signal);
      }
    });
    state.log.info({ identity: state.identity }, 'Lease released');
  } catch (error) {
    state.log.warn(describeError(error), 'Lease could not be released, it will expire');
  }
};

const runElector = async (state: State, signal: AbortSignal): Promise<void> => {
  try {
    while (!signal.aborted) {
      await acquire(state, signal);
      if (isLeader(state)) await lead(state, signal);
      if (!isLeader(state)) state.renewedAt = undefined;
    }
  } finally {
    await release(state);
  }
};

export const createElector = (options: ElectorOptions): Elector => {
  const state: State = {
    timing: systemTiming,
    leaseDurationMs: 15_000,
    renewDeadlineMs: 10_000,
    retryMs: 2_000,
    ...options,
    ref: { kind: 'Lease', ...options.lease },
    seen: undefined,
    renewedAt: undefined,
  };
  if (state.renewDeadlineMs >= state.leaseDurationMs) {
    throw new Error('renewDeadlineMs must be less than leaseDurationMs, else two could lead');
  }
  return {
    run: (signal) => runElector(state, signal),
    isLeader: () => isLeader(state),
    fence: () => {
      if (!isLeader(state)) throw new NotLeaderError(`${state.identity} does not lead`);
    },
    holder: () => state.seen?.lease.spec?.holderIdentity || undefined,
  };
};
