import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../lab/lab.ts';

// How long the machine has kept everybody waiting: what must be done within a second is not late by that.

export interface Pauses {
  /** The longest between two times, in milliseconds beyond what a look takes on a busy machine. */
  longestMs(from: number, to: number): number;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 50;
const LOOK_MS = 250;

/** Looks from this process whether the API server and its store answer; ended with the lab. */
export const watchPauses = (lab: Lab): Pauses => {
  const looks: { from: number; to: number }[] = [];
  const ended = new AbortController();
  const look = async (): Promise<void> => {
    const from = Date.now();
    await lab.api.request('GET', '/readyz').catch(() => undefined);
    await sleep(LOOK_EVERY_MS);
    looks.push({ from, to: Date.now() });
  };
  const looking = (async () => {
    while (!ended.signal.aborted) await look();
  })();
  const stop = async (): Promise<void> => {
    ended.abort();
    await looking;
  };
  lab.onStop(stop);
  return {
    longestMs: (from, to) =>
      looks
        .filter((one) => one.from <= to && one.to >= from)
        .reduce((longest, one) => Math.max(longest, one.to - one.from - LOOK_MS), 0),
    stop,
  };
};
