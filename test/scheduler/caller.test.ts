import { describe, expect, test } from 'vitest';
import type { CallRequest, OutboundCall } from '../../src/core/calls.ts';
import type { CallOutcome } from '../../src/outbound/outbound.ts';
import { createCaller } from '../../src/scheduler/caller.ts';

const NOW = new Date('2026-11-21T02:38:00Z');
const AN_HOUR = 3_600_000;

const call = (id: string, changes: Partial<OutboundCall> = {}): OutboundCall => ({
  runId: 'run-1',
  id,
  attempt: 1,
  request: { kind: 'webhook', url: `http://hooks/${id}`, timeoutMs: 1_000, retries: 0, body: {} },
  ...changes,
});

const urlOf = (request: CallRequest): string => (request.kind === 'webhook' ? request.url : '');

/** Lets what is resolved go on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const start = () => {
  const sent: { url: string; signal: AbortSignal; end: (outcome: CallOutcome) => void; break: () => void }[] =
    [];
  const woken: string[] = [];
  const ended: string[] = [];
  let now = NOW;
  const caller = createCaller({
    send: (request, signal) =>
      new Promise((end, reject) => {
        sent.push({ url: urlOf(request), signal, end, break: () => reject(new Error('bug')) });
      }),
    now: () => now,
    onAnswer: (key) => woken.push(key),
    onEnd: (_, { id }, { message }) => ended.push(`${id}: ${message}`),
  });
  const stopping = new AbortController();
  const pass = (ms: number) => {
    now = new Date(now.getTime() + ms);
  };
  const stopped = caller.run(stopping.signal);
  return { caller, sent, woken, ended, pass, stop: () => stopping.abort(), stopped };
};

const OK: CallOutcome = { ok: true, message: 'HTTP 200' };

describe('a caller', () => {
  test('makes a call once, however often it is asked for, and wakes its Deployment with the answer', async () => {
    const { caller, sent, woken, ended } = start();
    caller.make('shop/web', call('a'));
    caller.make('shop/web', call('a'));
    expect(sent.map(({ url }) => url)).toEqual(['http://hooks/a']);
    expect(caller.answersOf('shop/web')).toEqual([]);
    sent[0]?.end(OK);
    await settled();
    caller.make('shop/web', call('a'));
    expect(caller.answersOf('shop/web')).toEqual([
      { runId: 'run-1', id: 'a', attempt: 1, ...OK, at: NOW.toISOString() },
    ]);
    expect({ made: sent.length, woken, ended }).toEqual({
      made: 1,
      woken: ['shop/web'],
      ended: ['a: HTTP 200'],
    });
  });

  test('makes another attempt, and forgets the one before', async () => {
    const { caller, sent } = start();
    caller.make('shop/web', call('a'));
    sent[0]?.end({ ok: false, message: 'HTTP 500' });
    await settled();
    caller.make('shop/web', call('a', { attempt: 2 }));
    expect({ made: sent.length, answers: caller.answersOf('shop/web') }).toEqual({ made: 2, answers: [] });
  });

  test('makes the calls of several Deployments, and of one, at the same time', () => {
    const { caller, sent } = start();
    caller.make('shop/web', call('a'));
    caller.make('shop/web', call('b'));
    caller.make('shop/api', call('a'));
    expect(sent).toHaveLength(3);
  });

  test('forgets the answers of a run some time after the next has made a call', async () => {
    const { caller, sent, pass } = start();
    caller.make('shop/web', call('a'));
    sent[0]?.end(OK);
    await settled();
    pass(AN_HOUR);
    caller.make('shop/web', call('b', { runId: 'run-2' }));
    expect(caller.answersOf('shop/web')).toEqual([]);
  });

  test('answers for a sender that throws', async () => {
    const { caller, sent } = start();
    caller.make('shop/web', call('a'));
    sent[0]?.break();
    await settled();
    expect(caller.answersOf('shop/web')).toMatchObject([{ ok: false, message: 'bug' }]);
  });

  test('makes calls that nobody waits for one after another, wakes nobody, and keeps nothing', async () => {
    const { caller, sent, woken, ended } = start();
    for (const body of [{ n: 1 }, { n: 2 }]) {
      const request: CallRequest = {
        kind: 'webhook',
        url: `http://hooks/${body.n}`,
        timeoutMs: 1,
        retries: 0,
        body,
      };
      caller.make('shop/web', call('event', { unanswered: true, request }));
    }
    await settled();
    expect(sent.map(({ url }) => url)).toEqual(['http://hooks/1']);
    sent[0]?.break();
    await settled();
    expect(sent.map(({ url }) => url)).toEqual(['http://hooks/1', 'http://hooks/2']);
    expect({ woken, answers: caller.answersOf('shop/web'), ended }).toEqual({
      woken: [],
      answers: [],
      ended: ['event: bug'],
    });
  });

  test('ends what is under way when it stops, and takes no late answer for one', async () => {
    const { caller, sent, woken, stop, stopped } = start();
    caller.make('shop/web', call('a'));
    caller.make('shop/web', call('b'));
    stop();
    await stopped;
    expect(sent[0]?.signal.aborted).toBe(true);
    sent[0]?.end(OK);
    await settled();
    caller.make('shop/web', call('c'));
    expect({ woken, made: sent.length, answers: caller.answersOf('shop/web') }).toEqual({
      woken: [],
      made: 2,
      answers: [],
    });
  });
});
