import { setMaxListeners } from 'node:events';

/**
 * Runs `act` with a signal that aborts with its parent, and after `ms` milliseconds. Node 20 forgets an AbortSignal.any of
 * an AbortSignal.timeout at a garbage collection: it would never end anything.
 */
export const withDeadline = async <T>(
  parent: AbortSignal | undefined,
  ms: number,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const ending = new AbortController();
  const end = (): void => ending.abort(parent?.reason);
  const timer = setTimeout(() => ending.abort(new Error(`not done within ${ms} ms`)), ms).unref();
  // A listener for each collection that is watched is no leak: Node would warn at the eleventh.
  if (parent !== undefined) setMaxListeners(0, parent);
  if (parent?.aborted === true) end();
  else parent?.addEventListener('abort', end, { once: true });
  try {
    return await act(ending.signal);
  } finally {
    clearTimeout(timer);
    parent?.removeEventListener('abort', end);
  }
};
