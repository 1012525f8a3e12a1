// A view of something that changes, seen with a delay: how proxies see the cluster.

export interface Lagged<T> {
  /** As it was, the lag ago. */
  value(): T;
  /** To be told of every change. */
  changed(): void;
  onChange(handler: () => void): void;
  setLag(ms: number): void;
  stop(): void;
}

/** Changes that come together are taken together. */
const DEBOUNCE_MS = 50;

/** @param read the whole as it is now; the result must not change afterwards */
export const createLagged = <T>(read: () => T): Lagged<T> => {
  const timers = new Set<NodeJS.Timeout>();
  const handlers: (() => void)[] = [];
  let value = read();
  let lagMs = 0;
  let debouncing = false;
  let taken = 0;
  let shown = 0;
  const after = (ms: number, act: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };
  const take = (): void => {
    debouncing = false;
    const seen = read();
    const turn = ++taken;
    after(lagMs, () => {
      // A shorter lag set meanwhile lets a later view overtake an earlier one, which is then history.
      if (turn < shown) return;
      shown = turn;
      value = seen;
      for (const handler of handlers) handler();
    });
  };
  return {
    value: () => value,
    changed: () => {
      if (debouncing) return;
      debouncing = true;
      after(DEBOUNCE_MS, take);
    },
    onChange: (handler) => handlers.push(handler),
    setLag: (ms) => {
      lagMs = ms;
    },
    stop: () => {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
};
