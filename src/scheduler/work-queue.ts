/** Time as the queue needs it; tests bring their own. */
export interface Timers {
  now(): number;
  /** Calls back once after `ms`; returns how to cancel. */
  after(ms: number, callback: () => void): () => void;
}

export const systemTimers: Timers = {
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export interface WorkQueue {
  /** Wants the key worked on as soon as a worker is free. */
  add(key: string): void;
  /** Wants the key worked on in `ms` at the latest; an earlier wish stands. */
  addAfter(key: string, ms: number): void;
  /** Works keys off until the signal aborts; resolves when every worker has finished its key. */
  run(workers: number, work: (key: string) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Keys that wait for a worker. */
  depth(): number;
}

/** Wishes for later: per key the earliest stands. */
const createDelays = (timers: Timers, due: (key: string) => void) => {
  const delays = new Map<string, { dueAt: number; cancel: () => void }>();
  const cancel = (key: string): void => {
    delays.get(key)?.cancel();
    delays.delete(key);
  };
  return {
    cancel,
    cancelAll: (): void => {
      for (const key of [...delays.keys()]) cancel(key);
    },
    set: (key: string, ms: number): void => {
      const dueAt = timers.now() + ms;
      const known = delays.get(key);
      if (known !== undefined && known.dueAt <= dueAt) return;
      cancel(key);
      const stop = timers.after(ms, () => {
        delays.delete(key);
        due(key);
      });
      delays.set(key, { dueAt, cancel: stop });
    },
  };
};

/** Keyed work: a key waits once however often it is added, and no two workers ever hold the same key. */
export const createWorkQueue = (timers: Timers = systemTimers): WorkQueue => {
  const waiting = new Set<string>();
  const running = new Set<string>();
  const again = new Set<string>();
  let idle: (() => void)[] = [];

  const delays = createDelays(timers, (key) => add(key));

  const add = (key: string): void => {
    delays.cancel(key);
    if (running.has(key)) {
      again.add(key);
      return;
    }
    waiting.add(key);
    idle.shift()?.();
  };

  const addAfter = (key: string, ms: number): void => {
    if (ms <= 0) add(key);
    else if (!waiting.has(key)) delays.set(key, ms);
  };

  const workOne = async (key: string, work: (key: string) => Promise<void>): Promise<void> => {
    waiting.delete(key);
    running.add(key);
    try {
      await work(key);
    } finally {
      running.delete(key);
      if (again.delete(key)) add(key);
    }
  };

  const worker = async (work: (key: string) => Promise<void>, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const [key] = waiting;
      if (key === undefined) await new Promise<void>((resolve) => idle.push(resolve));
      else await workOne(key, work);
    }
  };

  const run: WorkQueue['run'] = async (workers, work, signal) => {
    const stop = (): void => {
      delays.cancelAll();
      for (const resolve of idle) resolve();
      idle = [];
    };
    signal.addEventListener('abort', stop, { once: true });
    await Promise.all(Array.from({ length: workers }, () => worker(work, signal)));
  };

  return { add, addAfter, run, depth: () => waiting.size };
};
