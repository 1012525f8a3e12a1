import type { Logger } from './telemetry/log.ts';

/** Does its work until the signal aborts, then ends what it is at and resolves. */
export type Runnable = (signal: AbortSignal) => Promise<void>;

export interface Manager {
  /** Runnables start in the order they are added and are stopped in the reverse order, each after the one before. */
  add: (name: string, runnable: Runnable) => void;
  /** Resolves with the exit code once all is stopped: 0 when shut down in time, 1 after a failure. */
  run: (shutdown: AbortSignal) => Promise<0 | 1>;
  /** True from the moment a shutdown begins; readiness answers with it. */
  draining: () => boolean;
}

export interface ManagerDependencies {
  log: Logger;
  /** Resolves after the milliseconds, or when the signal aborts (a rejection then is fine too). */
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Time that clients get to see that readiness is gone before anything stops. */
  quietMs: number;
  /** Time that all runnables together get to stop. */
  drainMs: number;
}

interface Running {
  name: string;
  controller: AbortController;
  ended: Promise<void>;
}

export const createManager = ({ log, sleep, quietMs, drainMs }: ManagerDependencies): Manager => {
  const added: { name: string; runnable: Runnable }[] = [];
  const failure = new AbortController();
  let draining = false;

  const start = ({ name, runnable }: (typeof added)[number]): Running => {
    const controller = new AbortController();
    const { signal } = controller;
    const fail = (error?: unknown) => {
      log.fatal(
        { runnable: name, err: error },
        error === undefined ? 'runnable ended unasked' : 'runnable failed',
      );
      failure.abort();
    };
    // Started in a microtask of its own, so that one that throws at once fails like one that rejects.
    const ended = Promise.resolve()
      .then(() => runnable(signal))
      .then(() => {
        // A loop that quietly ends is worse than one that fails: nothing would ever tell.
        if (!signal.aborted) fail();
      }, fail);
    return { name, controller, ended };
  };

  const stopAll = async (running: readonly Running[]): Promise<boolean> => {
    const deadline = new AbortController();
    const late = sleep(drainMs, deadline.signal).then(
      () => true,
      () => true,
    );
    for (const { name, controller, ended } of running.toReversed()) {
      controller.abort();
      if (await Promise.race([ended.then(() => false), late])) {
        log.error({ runnable: name, drainMs }, 'runnable did not stop in time');
        // The rest is told to stop all the same, though nobody waits for it any more.
        for (const other of running) other.controller.abort();
        return false;
      }
      log.debug({ runnable: name }, 'runnable stopped');
    }
    deadline.abort();
    return true;
  };

  const run = async (shutdown: AbortSignal): Promise<0 | 1> => {
    const running = added.map(start);
    const end = AbortSignal.any([shutdown, failure.signal]);
    await new Promise<void>((resolve) => {
      if (end.aborted) resolve();
      end.addEventListener('abort', () => resolve(), { once: true });
    });
    draining = true;
    log.info({ failed: failure.signal.aborted }, 'shutting down');
    if (!failure.signal.aborted) await sleep(quietMs, failure.signal).catch(() => undefined);
    const inTime = await stopAll(running);
    return inTime && !failure.signal.aborted ? 0 : 1;
  };

  return {
    add: (name, runnable) => void added.push({ name, runnable }),
    run,
    draining: () => draining,
  };
};
