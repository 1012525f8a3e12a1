import { RETIRE_AFTER_MS } from './xds-files.ts';

// Publishes one configuration at a time, and always the latest.

const RETRY_MS = 1_000;

export interface Publisher {
  /** Publishes soon; requests made while one is under way are served by a single further one. */
  request(): void;
  /** Publishes now, after what is under way. */
  publish(): Promise<void>;
  stop(): Promise<void>;
}

/** @param write true: it wants to be called again later, to drop what it kept */
export const createPublisher = <T>(make: () => T, write: (config: T) => Promise<boolean>): Publisher => {
  let queue = Promise.resolve();
  let waiting = false;
  let stopped = false;
  let again: NodeJS.Timeout | undefined;
  const publish = (): Promise<void> => {
    const done = queue.then(async () => {
      waiting = false;
      if (stopped) return;
      clearTimeout(again);
      if (await write(make())) again = setTimeout(request, RETIRE_AFTER_MS);
    });
    queue = done.catch(() => undefined);
    return done;
  };
  const request = (): void => {
    if (waiting || stopped) return;
    waiting = true;
    publish().catch((error: unknown) => {
      if (stopped) return;
      console.error('lab: data plane not updated, trying again:', error);
      again = setTimeout(request, RETRY_MS);
    });
  };
  return {
    request,
    publish,
    stop: async () => {
      stopped = true;
      clearTimeout(again);
      await queue;
    },
  };
};
