import { describe, expect, it, vi } from 'vitest';
import { withDeadline } from '../../lab/deadline.ts';

const endOf = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener('abort', () => resolve(signal.reason));
  });

describe('what has a deadline', () => {
  it('is ended by it', async () => {
    vi.useFakeTimers();
    const ended = withDeadline(new AbortController().signal, 1_000, endOf);
    vi.advanceTimersByTime(1_000);
    vi.useRealTimers();
    expect(await ended).toEqual(new Error('not done within 1000 ms'));
  });

  it.each([true, false])('is ended with its parent, ended before or meanwhile: %s', async (before) => {
    const parent = new AbortController();
    if (before) parent.abort('over');
    const ended = withDeadline(parent.signal, 60_000, endOf);
    parent.abort('over');
    expect(await ended).toBe('over');
  });

  it('is left alone once it is done', async () => {
    const parent = new AbortController();
    const signal = await withDeadline(parent.signal, 60_000, (given) => Promise.resolve(given));
    parent.abort();
    expect(signal.aborted).toBe(false);
  });
});
