import { setMaxListeners } from 'node:events';

/** A signal that follows its parent and can also be aborted alone. `unlink` must be called when it is done with. */
export interface LinkedSignal {
  signal: AbortSignal;
  abort(reason?: unknown): void;
  unlink(): void;
}

// AbortSignal.any keeps a trace of every child on a parent that lives as long as the process; this leaves none.
export const linkSignal = (parent: AbortSignal): LinkedSignal => {
  const controller = new AbortController();
  const follow = () => controller.abort(parent.reason);
  // One listener per call under way is no leak: Node would warn at the eleventh.
  setMaxListeners(0, parent);
  if (parent.aborted) follow();
  else parent.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    unlink: () => parent.removeEventListener('abort', follow),
  };
};

/** A linked signal that also aborts with `reason()` after `ms` milliseconds of real time. */
export const linkDeadline = (parent: AbortSignal, ms: number, reason: () => unknown): LinkedSignal => {
  const link = linkSignal(parent);
  const timer = setTimeout(() => link.abort(reason()), ms);
  return {
    ...link,
    unlink: () => {
      clearTimeout(timer);
      link.unlink();
    },
  };
};

/**
 * Runs `act` with a signal that aborts with its parent, and with a TimeoutError after `ms` milliseconds. Node 20 forgets
 * an AbortSignal.any of an AbortSignal.timeout at a garbage collection: it would never end anything.
 */
export const withDeadline = async <T>(
  parent: AbortSignal,
  ms: number,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const link = linkDeadline(parent, ms, () => new DOMException(`not done within ${ms} ms`, 'TimeoutError'));
  try {
    return await act(link.signal);
  } finally {
    link.unlink();
  }
};

export interface Deadline {
  /** Ends it as well, with its own reason. */
  parent: AbortSignal;
  ms: number;
  /** What it rejects with when the time is over. */
  reason: () => unknown;
}

/**
 * What `act` has come to before the deadline. Rejects with the reason of the abort, whatever `act` made of it: a
 * destroyed connection does not say why, and a body that ends with its connection looks whole when it was cut.
 */
export const completeBefore = async <T>(
  { parent, ms, reason }: Deadline,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const link = linkDeadline(parent, ms, reason);
  const { signal } = link;
  try {
    const result = await act(signal);
    signal.throwIfAborted();
    return result;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    link.unlink();
  }
};
