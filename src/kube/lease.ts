import { describeError, isConflict, isNotFound } from './errors.ts';
import {
  type Claim,
  type ClaimOptions,
  giveUp,
  holderOf,
  isLeader,
  provenMs,
  renew,
  tryAcquire,
  unclaimed,
} from './lease-claim.ts';
import { linkSignal } from './linked-signal.ts';
import type { Log } from './log.ts';
import { systemTiming } from './timing.ts';

type Timings = Pick<ClaimOptions, 'timing' | 'leaseDurationMs' | 'renewDeadlineMs'>;

/** By default others wait 15 s after the last renewal they saw, and leadership is lost after 10 s without one. */
export interface ElectorOptions extends Omit<ClaimOptions, keyof Timings>, Partial<Timings> {
  /**
   * The leader's work. The signal aborts the moment leadership ends or can no longer be proven; the work must then
   * settle, and the Lease is given up or contended for again only after it has. A rejection ends `run`.
   */
  onStartedLeading(signal: AbortSignal): Promise<void>;
  log: Log;
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

interface State extends Claim {
  onStartedLeading: ElectorOptions['onStartedLeading'];
  log: Log;
  retryMs: number;
}

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

const release = async (state: State): Promise<void> => {
  if (!isLeader(state)) return;
  state.renewedAt = undefined;
  try {
    await attempt(state, new AbortController().signal, (signal) => giveUp(state, signal));
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
    ...unclaimed(options.lease),
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
    holder: () => holderOf(state),
  };
};
