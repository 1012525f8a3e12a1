import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { completeBefore, withDeadline } from '../../src/kube/linked-signal.ts';

const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
};

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

it('ends what takes too long, although memory is collected meanwhile', async () => {
  const parent = new AbortController();
  const ended = withDeadline(parent.signal, 200, untilAborted);
  const told = expect(ended).rejects.toThrow('not done within 200 ms');
  for (let pass = 0; pass < 5; pass += 1) {
    collectGarbage();
    await sleep(10);
  }
  await told;
});

it('ends with its parent, for the same reason', async () => {
  const parent = new AbortController();
  const ended = withDeadline(parent.signal, 60_000, untilAborted);
  parent.abort(new Error('going down'));
  await expect(ended).rejects.toThrow('going down');
});

it('gives what was done in time, and aborts nothing afterwards', async () => {
  const parent = new AbortController();
  let given: AbortSignal | undefined;
  const act = (signal: AbortSignal): Promise<string> => {
    given = signal;
    return Promise.resolve('done');
  };
  expect(await withDeadline(parent.signal, 60_000, act)).toBe('done');
  parent.abort();
  expect(given?.aborted).toBe(false);
});

it.each<[string, () => Promise<string>]>([
  ['looks whole', () => Promise.resolve('half of it')],
  ['fails without saying why', () => Promise.reject(new Error('reset'))],
])('takes nothing for complete that the deadline has cut, when it %s', async (_how, end) => {
  const parent = new AbortController().signal;
  const act = (signal: AbortSignal): Promise<string> => untilAborted(signal).catch(end).then(String);
  const cut = completeBefore({ parent, ms: 10, reason: () => new Error('too late') }, act);
  await expect(cut).rejects.toThrow('too late');
});
