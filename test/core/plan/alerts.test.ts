import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AlertMessage, Severity } from '../../../src/core/alert.ts';
import type { OutboundCall } from '../../../src/core/calls.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

const rule = (provider: string, severity: Severity = 'info') => ({
  name: `to ${provider}`,
  provider,
  severity,
});

const TAKEN = { ok: true, message: 'HTTP 200' };

/** A cluster whose operator knows `chat` and `pager`; alerts go where the policy says. */
const opened = (alerts = [rule('chat')]): SimulatedCluster => {
  const cluster = new SimulatedCluster();
  cluster.operatorAlerts = { providers: ['chat', 'pager'], rules: [] };
  cluster.settings = { ...cluster.settings, alerts };
  cluster.receiver = () => TAKEN;
  cluster.runToEnd({ seconds: 3 });
  return cluster;
};

const held = (tag: string, alerts?: ReturnType<typeof rule>[]): SimulatedCluster => {
  const cluster = opened(alerts);
  cluster.hold(tag);
  return cluster;
};

const requestOf = ({ request }: OutboundCall): { provider: string; message: AlertMessage } => {
  if (request.kind !== 'alert') throw new Error(`a ${request.kind}`);
  return request;
};

const told = (cluster: SimulatedCluster): string[] =>
  cluster.calls.map(requestOf).map(({ provider, message }) => `${provider}: ${message.moment}`);

const messages = (cluster: SimulatedCluster): AlertMessage[] =>
  cluster.calls.map((call) => requestOf(call).message);

const records = (cluster: SimulatedCluster) => cluster.canary?.status?.run?.calls ?? [];

describe('a provider is told', () => {
  test('that a run starts and that it is promoted, with what it was judged by', () => {
    const cluster = held('v2');
    cluster.runToEnd();
    expect(told(cluster)).toEqual(['chat: Started', 'chat: Promoted']);
    const [started, promoted] = messages(cluster);
    expect(started).toMatchObject({ severity: 'info', title: 'shop/web: canary started' });
    expect(promoted).toMatchObject({
      severity: 'info',
      namespace: 'shop',
      name: 'web',
      title: 'shop/web: promoted',
      text: expect.stringMatching(/^promoted at 50 %: success rate 100\.00 % ≥ 99 % \([\d,]+ requests\)/),
    });
    expect(promoted?.fields).toEqual([
      { name: 'Outcome', value: 'Promoted' },
      { name: 'Reason', value: 'StepsCompleted' },
      { name: 'Revision', value: expect.stringMatching(/^1-[0-9a-f]{10}$/) },
      { name: 'Images', value: 'web:v2' },
      { name: 'Duration', value: expect.stringMatching(/^\d+s$/) },
      { name: 'Weight', value: '50 %' },
      { name: 'success-rate', value: expect.stringMatching(/^100\.00 % \(limit ≥ 99 %, [\d,]+ requests\)$/) },
      { name: 'latency', value: expect.stringContaining('limit p99 ≤ 500 ms') },
    ]);
    expect(records(cluster)).toMatchObject([{ state: 'succeeded', attempt: 1, message: 'HTTP 200' }]);
  });

  test('of a rollback, as an error', () => {
    const cluster = held('v3', [rule('chat', 'error')]);
    cluster.errorRate['v3'] = 0.3;
    cluster.runToEnd();
    expect(told(cluster)).toEqual(['chat: RolledBack']);
    expect(messages(cluster)).toMatchObject([{ severity: 'error', title: 'shop/web: rolled back' }]);
  });

  test('of a run that a person aborted, as an error', () => {
    const cluster = held('v2', [rule('chat', 'error')]);
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.command = 'abort';
    cluster.runToEnd();
    expect(messages(cluster)).toMatchObject([{ moment: 'Aborted', text: 'aborted by command' }]);
  });

  test('of a run that another has taken over from, and of that one', () => {
    const cluster = held('v2');
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.hold('v3');
    cluster.runToEnd();
    expect(told(cluster)).toEqual(['chat: Started', 'chat: Superseded', 'chat: Started', 'chat: Promoted']);
    expect(messages(cluster)[1]).toMatchObject({
      severity: 'info',
      text: expect.stringMatching(/^superseded by 1-/),
      fields: expect.arrayContaining([{ name: 'Images', value: 'web:v2' }]),
    });
  });

  test('of a run that was reverted', () => {
    const cluster = held('v2');
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.hold('v1');
    cluster.runToEnd();
    expect(told(cluster)).toEqual(['chat: Started', 'chat: Reverted']);
  });

  test('once that a run is paused, however long it is', () => {
    const cluster = held('v2', [rule('chat', 'warn')]);
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.metrics = 'down';
    cluster.runToEnd({ seconds: 700 });
    expect(cluster.phase).toBe('Paused');
    expect(messages(cluster)).toMatchObject([{ severity: 'warn', title: 'shop/web: canary does not go on' }]);
    cluster.metrics = 'up';
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
    expect(cluster.calls).toHaveLength(1);
  });

  test.each([
    ['ServiceNotFound', { services: ['wbe'] }],
    ['TrafficUnsupported', { mirror: 10 }],
  ])('that a run waits for somebody: %s', (reason, settings) => {
    const cluster = opened([rule('chat', 'warn')]);
    cluster.routed = false;
    cluster.settings = { ...cluster.settings, ...settings };
    cluster.hold('v2');
    cluster.runToEnd({ seconds: 30 });
    expect(told(cluster)).toEqual([`chat: ${reason}`]);
    expect(messages(cluster)).toMatchObject([{ severity: 'warn', title: 'shop/web: canary does not go on' }]);
    expect(cluster.events.filter((told) => told.includes('advancement'))).toHaveLength(1);
  });

  test('of a lost primary once, when it is back', () => {
    const cluster = held('v2');
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    cluster.replicaSets = [];
    cluster.runToEnd();
    expect(told(cluster)).toEqual(['chat: Started', 'chat: Reverted']);
  });

  test('of nothing while nothing happens', () => {
    const cluster = held('v2');
    cluster.runToEnd();
    const calls = cluster.calls.length;
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.calls).toHaveLength(calls);
  });

  test.each<[string, ReturnType<typeof rule>[], ReturnType<typeof rule>[], string[]]>([
    ['by nobody', [], [], []],
    ['by its policy alone', [rule('chat', 'info')], [], ['chat: Started', 'chat: Promoted']],
    ['by the operator alone', [], [rule('pager')], ['pager: Started', 'pager: Promoted']],
    ['once by both', [rule('chat', 'error')], [rule('chat')], ['chat: Started', 'chat: Promoted']],
    ['of what is as severe as it wants', [rule('chat', 'warn')], [], []],
  ])('%s', (_, alerts, rules, expected) => {
    const cluster = held('v2', alerts);
    cluster.operatorAlerts = { providers: ['chat', 'pager'], rules };
    cluster.runToEnd();
    expect(told(cluster)).toEqual(expected);
  });
});

describe('a provider that nobody knows', () => {
  test('is named in one Event, and the others are told', () => {
    const cluster = held('v2', [rule('chatt'), rule('chat')]);
    cluster.runToEnd();
    expect(cluster.events.filter((words) => words.includes('provider'))).toEqual([
      'Alert to chatt names provider chatt, which Kanari does not know; known: chat, pager',
    ]);
    expect(told(cluster)).toEqual(['chat: Started', 'chat: Promoted']);
  });

  test('is named where none is configured', () => {
    const cluster = held('v2');
    cluster.operatorAlerts = undefined;
    cluster.runToEnd();
    expect(cluster.events).toContain(
      'Alert to chat names provider chat, which Kanari does not know; none is configured',
    );
    expect(cluster.calls).toEqual([]);
    expect(cluster.phase).toBe('Succeeded');
  });
});

describe('the last message of a run', () => {
  const lastOnes = (cluster: SimulatedCluster) =>
    cluster.calls.filter(({ unanswered }) => unanswered !== true);

  test('is tried again, ever later, until it is taken', () => {
    const cluster = held('v2');
    const times: number[] = [];
    cluster.receiver = ({ attempt, unanswered }) => {
      if (unanswered !== true) times.push(cluster.now.getTime());
      return attempt < 4 ? { ok: false, message: 'HTTP 503' } : TAKEN;
    };
    cluster.runToEnd({ seconds: 400 });
    expect(lastOnes(cluster).map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(times.map((time, index) => time - (times[index - 1] ?? time))).toEqual([
      0, 10_000, 30_000, 120_000,
    ]);
    expect(records(cluster)).toMatchObject([{ state: 'succeeded', attempt: 4 }]);
    expect(cluster.phase).toBe('Succeeded');
  });

  test('is given up with an Event, and the run stays what it is', () => {
    const cluster = held('v2');
    cluster.receiver = () => ({ ok: false, message: 'HTTP 503' });
    cluster.runToEnd({ seconds: 1_500 });
    expect(lastOnes(cluster)).toHaveLength(5);
    expect(records(cluster)).toMatchObject([{ state: 'failed', message: 'HTTP 503' }]);
    expect(cluster.events.at(-1)).toBe(
      'Alert provider chat was not told that the run of web:v2 ended Promoted: HTTP 503',
    );
    expect(cluster.phase).toBe('Succeeded');
  });

  test('is given up at once where another attempt would end the same', () => {
    const cluster = held('v2');
    cluster.receiver = () => ({ ok: false, message: 'HTTP 404', final: true });
    cluster.runToEnd();
    expect(lastOnes(cluster)).toHaveLength(1);
    expect(cluster.events.at(-1)).toContain('HTTP 404');
  });

  test('outlives the process that sent it', () => {
    const cluster = held('v2');
    cluster.receiver = () => undefined;
    cluster.runToEnd();
    expect(lastOnes(cluster)).toHaveLength(1);
    // It dies before the answer; the next one sends it again.
    cluster.receiver = () => TAKEN;
    cluster.look(0);
    cluster.runToEnd({ seconds: 5 });
    expect(lastOnes(cluster)).toHaveLength(2);
    expect(new Set(lastOnes(cluster).map((call) => requestOf(call).message.id)).size).toBe(1);
    expect(records(cluster)).toMatchObject([{ state: 'succeeded' }]);
  });

  test('outlives the run that follows it', () => {
    const cluster = held('v2');
    cluster.receiver = () => ({ ok: false, message: 'HTTP 503' });
    cluster.runToEnd({ until: () => cluster.phase === 'Succeeded' });
    cluster.receiver = () => TAKEN;
    cluster.hold('v3');
    cluster.runToEnd({ seconds: 15 });
    expect(cluster.canary?.status?.run?.images).toEqual(['web:v3']);
    expect(told(cluster)).toEqual(['chat: Started', 'chat: Promoted', 'chat: Started', 'chat: Promoted']);
    expect(messages(cluster).at(-1)?.fields).toContainEqual({ name: 'Images', value: 'web:v2' });
  });

  test('outlives the policy that asked for it', () => {
    const cluster = held('v2');
    cluster.receiver = () => ({ ok: false, message: 'HTTP 503' });
    cluster.runToEnd({ until: () => cluster.phase === 'Succeeded' });
    cluster.settings = { ...cluster.settings, alerts: [] };
    cluster.receiver = () => TAKEN;
    cluster.runToEnd({ seconds: 15 });
    expect(lastOnes(cluster).map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(records(cluster)).toMatchObject([{ state: 'succeeded' }]);
  });

  test('stops nothing: a receiver that never answers costs the run no time', () => {
    const ends = [() => TAKEN, () => undefined].map((receiver) => {
      const cluster = held('v2');
      cluster.receiver = receiver;
      cluster.runToEnd({ until: () => cluster.phase === 'Succeeded' });
      return cluster.now.getTime();
    });
    expect(ends[0]).toBe(ends[1]);
  });

  test('is sent at least once for each run, wherever Kanari dies, and once where it does not', () => {
    const scenario = fc.record({
      bad: fc.boolean(),
      supersede: fc.boolean(),
      kills: fc.array(fc.nat(6), { maxLength: 30 }),
    });
    fc.assert(
      fc.property(scenario, ({ bad, supersede, kills }) => {
        const cluster = held('v2');
        if (bad) cluster.errorRate['v3'] = 0.3;
        let next = 0;
        const killAfter = () => kills[next++] ?? Number.POSITIVE_INFINITY;
        if (supersede) cluster.runToEnd({ killAfter, until: () => cluster.weight === 20 });
        cluster.hold('v3');
        cluster.runToEnd({ killAfter });
        const ended = cluster.canary?.status?.history.map(
          ({ started, revision, outcome }) => `${started}/${revision}/${outcome}`,
        );
        const ids = lastOnes(cluster).map((call) => requestOf(call).message.id);
        expect(new Set(ids)).toEqual(new Set(ended));
        if (kills.length === 0) expect(ids).toHaveLength(ended?.length ?? 0);
      }),
      { numRuns: 20 },
    );
  });
});
