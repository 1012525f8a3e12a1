import { setImmediate } from 'node:timers/promises';
import type { Timing } from '../../src/kube/timing.ts';

export const EPOCH = Date.parse('2026-11-21T02:38:00.000Z');

/** Time that passes only when told to; several clocks, each with its own offset and speed, live in it. */
export const createFakeTime = () => {
  let elapsed = 0;
  let sleepers: { at: number; wake: () => void }[] = [];

  const settle = async () => {
    for (let turn = 0; turn < 4; turn += 1) await setImmediate();
  };

  const clock = (skew: { offsetMs?: number; rate?: number } = {}): Timing => {
    const { offsetMs = 0, rate = 1 } = skew;
    return {
      now: () => EPOCH + offsetMs + elapsed * rate,
      monotonic: () => elapsed * rate,
      random: () => 0.5,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal.aborted) return resolve();
          const cancel = () => {
            sleepers = sleepers.filter((other) => other !== sleeper);
            resolve();
          };
          const wake = () => {
            signal.removeEventListener('abort', cancel);
            resolve();
          };
          const sleeper = { at: elapsed + ms / rate, wake };
          sleepers.push(sleeper);
          signal.addEventListener('abort', cancel);
        }),
    };
  };

  /** Wakes who is due, one after the other, each at its own moment; `each` is called at every such moment. */
  const advance = async (ms: number, each: () => void = () => {}) => {
    const until = elapsed + ms;
    await settle();
    for (;;) {
      const next = sleepers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      elapsed = Math.max(elapsed, next.at);
      sleepers = sleepers.filter((sleeper) => sleeper !== next);
      next.wake();
      each();
      await settle();
      each();
    }
    elapsed = until;
    await settle();
    each();
  };

  return {
    clock,
    advance,
    settle,
    elapsed: () => elapsed,
    sleeping: () => sleepers.map(({ at }) => at - elapsed),
  };
};

export type FakeTime = ReturnType<typeof createFakeTime>;
