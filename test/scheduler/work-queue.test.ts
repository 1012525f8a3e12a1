import { describe, expect, test } from 'vitest';
import { createWorkQueue, type Timers } from '../../src/scheduler/work-queue.ts';

const manualTimers = () => {
  let now = 0;
  let pending: { at: number; callback: () => void }[] = [];
  const timers: Timers = {
    now: () => now,
    after: (ms, callback) => {
      const entry = { at: now + ms, callback };
      pending.push(entry);
      return () => {
        pending = pending.filter((other) => other !== entry);
      };
    },
  };
  const advance = (ms: number): void => {
    now += ms;
    const due = pending.filter(({ at }) => at <= now);
    pending = pending.filter(({ at }) => at > now);
    for (const { callback } of due) callback();
  };
  return { timers, advance, pending: () => pending.length };
};

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the work queue', () => {
  test('works a key once however often it is added', async () => {
    const queue = createWorkQueue(manualTimers().timers);
    const worked: string[] = [];
    const stop = new AbortController();
    for (let i = 0; i < 3; i += 1) queue.add('shop/web');
    const done = queue.run(2, async (key) => void worked.push(key), stop.signal);
    await settled();
    stop.abort();
    await done;
    expect(worked).toEqual(['shop/web']);
  });

  test('never works one key in two workers, and works it again when it was added meanwhile', async () => {
    const queue = createWorkQueue(manualTimers().timers);
    const stop = new AbortController();
    let inside = 0;
    let most = 0;
    let times = 0;
    const releases: (() => void)[] = [];
    const work = async (): Promise<void> => {
      inside += 1;
      times += 1;
      most = Math.max(most, inside);
      await new Promise<void>((resolve) => releases.push(resolve));
      inside -= 1;
    };
    const done = queue.run(4, work, stop.signal);
    queue.add('shop/web');
    await settled();
    queue.add('shop/web');
    await settled();
    releases.shift()?.();
    await settled();
    expect({ most, times }).toEqual({ most: 1, times: 2 });
    stop.abort();
    releases.shift()?.();
    await done;
  });

  test('keeps the earliest of several delays, and an immediate wish overrides them', async () => {
    const { timers, advance, pending } = manualTimers();
    const queue = createWorkQueue(timers);
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 5_000);
    expect(pending()).toBe(1);
    advance(999);
    expect(queue.depth()).toBe(0);
    advance(1);
    expect(queue.depth()).toBe(1);
    queue.addAfter('b', 1_000);
    queue.add('b');
    expect(pending()).toBe(0);
    expect(queue.depth()).toBe(2);
  });

  test('stops without working what still waits', async () => {
    const queue = createWorkQueue(manualTimers().timers);
    const stop = new AbortController();
    stop.abort();
    queue.add('a');
    await queue.run(1, async () => expect.unreachable(), stop.signal);
    expect(queue.depth()).toBe(1);
  });
});
