// Many people work while Kanari is up, in any order; taking it away is done alone, so that nobody is refused for want of
// it, and what was asked of one process is never counted by the next.

export interface OpeningHours {
  /** Runs along with others of its kind. */
  during: <T>(work: () => Promise<T>) => Promise<T>;
  /** Runs alone: waits for those that are under way, and lets none begin before it ends. */
  closed: <T>(work: () => Promise<T>) => Promise<T>;
}

export const createOpeningHours = (): OpeningHours => {
  const working = new Set<Promise<unknown>>();
  let reopened: Promise<unknown> = Promise.resolve();
  return {
    during: async (work) => {
      for (let seen: unknown; seen !== reopened; ) {
        seen = reopened;
        await reopened;
      }
      const done = work();
      working.add(done);
      try {
        return await done;
      } finally {
        working.delete(done);
      }
    },
    closed: (work) => {
      const before = reopened;
      const done = before.then(async () => {
        await Promise.allSettled(working);
        return work();
      });
      reopened = done.catch(() => undefined);
      return done;
    },
  };
};
