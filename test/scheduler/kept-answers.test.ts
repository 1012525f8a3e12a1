import { expect, it } from 'vitest';
import type { OutboundCall } from '../../src/core/calls.ts';
import { createCaller } from '../../src/scheduler/caller.ts';

const call = (runId: string): OutboundCall => ({
  ...{ runId, id: 'x', attempt: 1 },
  request: { kind: 'webhook', url: 'http://h', timeoutMs: 1, retries: 0, body: {} },
});

it('an answer outlasts the first call of the next run, by an hour', async () => {
  let now = new Date('2026-11-21T02:00:00Z');
  let answered = 0;
  const caller = createCaller({
    send: () => Promise.resolve({ ok: true, message: 'HTTP 200' }),
    now: () => now,
    onAnswer: () => {
      answered += 1;
    },
  });
  const stop = new AbortController();
  const running = caller.run(stop.signal);
  const make = async (runId: string, answers: number) => {
    caller.make('shop/web', call(runId));
    await expect.poll(() => answered).toBe(answers);
  };
  const runs = () => caller.answersOf('shop/web').map(({ runId }) => runId);

  await make('first', 1);
  await make('second', 2);
  expect(runs()).toEqual(['first', 'second']);
  caller.make('shop/web', call('first'));
  now = new Date('2026-11-21T03:00:00Z');
  await make('third', 3);
  expect(runs()).toEqual(['third']);
  stop.abort();
  await running;
});
