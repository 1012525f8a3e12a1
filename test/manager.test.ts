import { describe, expect, it } from 'vitest';
import { createManager, type Runnable } from '../src/manager.ts';
import { quietLog } from './telemetry/quiet-log.ts';

const until = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

const setUp = () => {
  const { log, entries } = quietLog();
  const events: string[] = [];
  const sleeps: { milliseconds: number; wake: () => void }[] = [];
  const sleep = (milliseconds: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      sleeps.push({ milliseconds, wake: resolve });
      signal.addEventListener('abort', () => reject(new Error('aborted')));
      if (milliseconds === 1) resolve();
    });
  const manager = createManager({ log, sleep, quietMs: 1, drainMs: 1_000 });
  const recording =
    (name: string): Runnable =>
    async (signal) => {
      events.push(`start ${name}`);
      await until(signal);
      events.push(`stop ${name}`);
    };
  return { manager, events, entries, sleeps, recording, shutdown: new AbortController() };
};

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the manager', () => {
  it('starts in order, stops in reverse and exits 0', async () => {
    const { manager, events, recording, shutdown } = setUp();
    for (const name of ['metrics', 'webhook', 'scheduler']) manager.add(name, recording(name));
    const code = manager.run(shutdown.signal);
    await settle();
    expect(events).toEqual(['start metrics', 'start webhook', 'start scheduler']);
    shutdown.abort();
    expect(await code).toBe(0);
    expect(events.slice(3)).toEqual(['stop scheduler', 'stop webhook', 'stop metrics']);
  });

  it('waits for one to stop before it stops the next', async () => {
    const { manager, events, recording, shutdown } = setUp();
    let release = () => {};
    manager.add('lease', recording('lease'));
    manager.add('scheduler', async (signal) => {
      await until(signal);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    const code = manager.run(shutdown.signal);
    shutdown.abort();
    await settle();
    expect(events).not.toContain('stop lease');
    release();
    expect(await code).toBe(0);
    expect(events).toContain('stop lease');
  });

  it('is draining from the moment it is told to shut down, before anything stops', async () => {
    const { log } = quietLog();
    let wake = () => {};
    const sleep = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });
    const manager = createManager({ log, sleep, quietMs: 5_000, drainMs: 1_000 });
    let stopped = false;
    manager.add('webhook', async (signal) => {
      await until(signal);
      stopped = true;
    });
    const shutdown = new AbortController();
    const code = manager.run(shutdown.signal);
    expect(manager.draining()).toBe(false);
    shutdown.abort();
    await settle();
    expect(manager.draining()).toBe(true);
    expect(stopped).toBe(false);
    wake();
    expect(await code).toBe(0);
  });

  it.each<[string, Runnable, string]>([
    ['rejects', () => Promise.reject(new Error('no port')), 'runnable failed'],
    [
      'throws at once',
      () => {
        throw new Error('no port');
      },
      'runnable failed',
    ],
    ['ends unasked', () => Promise.resolve(), 'runnable ended unasked'],
  ])('stops the others and exits 1 when one %s', async (_, runnable, message) => {
    const { manager, events, entries, recording, shutdown } = setUp();
    manager.add('scheduler', recording('scheduler'));
    manager.add('webhook', runnable);
    expect(await manager.run(shutdown.signal)).toBe(1);
    expect(events).toContain('stop scheduler');
    expect(entries).toContainEqual(expect.objectContaining({ level: 60, runnable: 'webhook', msg: message }));
  });

  it('exits 1 when one does not stop before the deadline, and tells all others to stop', async () => {
    const { manager, events, entries, sleeps, recording, shutdown } = setUp();
    manager.add('lease', recording('lease'));
    manager.add('stuck', () => new Promise<void>(() => {}));
    const code = manager.run(shutdown.signal);
    shutdown.abort();
    await settle();
    sleeps.find(({ milliseconds }) => milliseconds === 1_000)?.wake();
    expect(await code).toBe(1);
    await settle();
    expect(events).toContain('stop lease');
    expect(entries).toContainEqual(expect.objectContaining({ level: 50, runnable: 'stuck' }));
  });
});
