import { describe, expect, test } from 'vitest';
import { at, held, statusOf } from './run-beginnings.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

// What people tell a run by a command on its Canary. Steps are 20 and 50, an interval 5 s.

const idOf = (cluster: SimulatedCluster): string => statusOf(cluster).run?.id ?? expect.fail();

/** What is answered to it. */
const tell = (cluster: SimulatedCluster, command: string, killAfter?: number): string[] => {
  const told = cluster.events.length;
  cluster.command = command;
  cluster.look(killAfter);
  return cluster.events.slice(told);
};

describe('pause', () => {
  test('holds the run at its weight, with its checks, until it is resumed', () => {
    const cluster = at(20);
    expect(tell(cluster, 'pause')).toEqual([
      `Paused web by command at 20 %; to go on: kubectl annotate canary web -n shop kanari.dev/command=resume=${idOf(cluster)}`,
    ]);
    const judged = statusOf(cluster).run?.evidence?.judged.requests ?? 0;
    cluster.runToEnd({
      seconds: 60,
      until: () => {
        expect(statusOf(cluster)).toMatchObject({ phase: 'Paused', canaryWeight: 20 });
        return false;
      },
    });
    expect(statusOf(cluster).reason).toBe('PausedByCommand');
    expect(statusOf(cluster).message).toContain('kanari.dev/command=resume=');
    expect(statusOf(cluster).run?.evidence?.judged.requests).toBeGreaterThan(judged);
    cluster.command = 'resume';
    cluster.runToEnd({ seconds: 3 });
    expect(cluster.weight, 'it had passed: nothing more is waited for').toBe(50);
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });

  test('before the canary starts keeps its first pod back, and its first share', () => {
    const cluster = held();
    cluster.look();
    tell(cluster, 'pause');
    cluster.runToEnd({ seconds: 30 });
    expect([cluster.phase, cluster.canaryDeployment]).toEqual(['Paused', undefined]);
    const later = held();
    later.runToEnd({ until: () => later.canaryDeployment !== undefined });
    tell(later, 'pause');
    later.runToEnd({ seconds: 30 });
    expect([later.phase, later.weight]).toEqual(['Paused', 0]);
  });

  test.each([
    ['failed checks', { successRate: 50, latency: 'off' }, 0.6, 'ThresholdReached'],
    ['an outage', {}, 0.9, 'OutageErrors'],
  ] as const)('does not keep it from a rollback for %s', (_, settings, rate, reason) => {
    const cluster = at(20, settings);
    tell(cluster, 'pause');
    cluster.errorRate['v2'] = rate;
    cluster.runToEnd({ seconds: 120 });
    expect(statusOf(cluster)).toMatchObject({ phase: 'Failed', reason });
  });

  test('without evidence neither rolls back nor promotes', () => {
    const cluster = at(20, { progressDeadlineMs: 20_000 });
    tell(cluster, 'pause');
    cluster.metrics = 'empty';
    cluster.runToEnd({ seconds: 60 });
    expect(statusOf(cluster)).toMatchObject({ phase: 'Paused', reason: 'PausedByCommand', canaryWeight: 20 });
  });

  test('keeps an approved gate shut until it is resumed', () => {
    const cluster = held({ approve: ['start'] });
    cluster.runToEnd({ seconds: 5 });
    tell(cluster, 'pause');
    cluster.runToEnd({ seconds: 2 });
    tell(cluster, 'approve');
    cluster.runToEnd({ seconds: 10 });
    expect([cluster.phase, cluster.destinations]).toEqual(['Paused', false]);
    tell(cluster, 'resume');
    cluster.runToEnd();
    expect(cluster.phase).toBe('Succeeded');
  });
});

const ANSWERS: [command: string, situation: (command: string) => SimulatedCluster, answer: string][] = [
  ['approve', () => at(20), 'changes nothing: no gate waits for approval'],
  ['resume', () => at(20), 'changes nothing: the run is not paused by command'],
  ['retry', () => at(20), 'changes nothing: a run is under way'],
  ['stop', () => at(20), 'is no command; known: abort, approve, pause, promote, resume, retry'],
  ['promote=1-0000000000-9', () => at(20), 'changes nothing: it is for another run than 1-'],
  ['promote=', () => at(20), 'changes nothing: it is for another run than 1-'],
  [
    'pause',
    () => {
      const cluster = at(20);
      tell(cluster, 'pause');
      cluster.look();
      return cluster;
    },
    'changes nothing: the run is paused already',
  ],
  [
    'promote',
    () => {
      const cluster = at(20);
      tell(cluster, 'abort');
      cluster.look();
      return cluster;
    },
    'changes nothing: the run ends already',
  ],
  [
    'approve',
    () => {
      const cluster = at(20);
      cluster.hold('v3');
      return cluster;
    },
    'changes nothing: the run that it was for is over',
  ],
  [
    'resume',
    () => {
      const cluster = held();
      cluster.runToEnd();
      return cluster;
    },
    'changes nothing: no run is under way',
  ],
];

test.each(ANSWERS)(
  'the command %s where it means nothing is answered, once, and not kept',
  (command, situation, answer) => {
    const cluster = situation(command);
    const { phase, weight } = cluster;
    const told = tell(cluster, command).filter((event) => event.startsWith('kanari.dev/command'));
    expect(told).toEqual([expect.stringContaining(`kanari.dev/command=${command} ${answer}`)]);
    expect(cluster.command).toBeUndefined();
    if (!answer.endsWith('is over')) expect([cluster.phase, cluster.weight]).toEqual([phase, weight]);
  },
);

test('a command for this very run counts', () => {
  const cluster = at(20);
  tell(cluster, `promote=${idOf(cluster)}`);
  cluster.runToEnd();
  expect(statusOf(cluster).history[0]).toMatchObject({ outcome: 'Promoted', reason: 'PromotedByCommand' });
});

test('a retry for the run that failed counts, one for another does not', () => {
  const cluster = held();
  cluster.errorRate['v2'] = 0.5;
  cluster.runToEnd();
  expect(tell(cluster, 'retry=1-0000000000-9')).toEqual([expect.stringContaining('for another run')]);
  cluster.runToEnd({ seconds: 5 });
  expect(cluster.phase).toBe('Failed');
  tell(cluster, `retry=${idOf(cluster)}`);
  expect(cluster.phase).toBe('Progressing');
});

test('an approval that comes too early is not kept for the gate that follows, wherever Kanari dies', () => {
  const cluster = at(50, { approve: ['promotion'] });
  tell(cluster, 'approve', 1);
  // From here on nothing but the status is written: the command stays.
  cluster.runToEnd({ killAfter: () => 1, seconds: 20 });
  expect([cluster.command, statusOf(cluster).reason]).toEqual(['approve', 'WaitingForApproval']);
  cluster.runToEnd({ seconds: 20 });
  expect([cluster.command, statusOf(cluster).reason]).toEqual([undefined, 'WaitingForApproval']);
});

test('one approval opens one gate, however often Kanari dies before it takes the command away', () => {
  const cluster = held({ approve: ['start', 'traffic', 'promotion'] });
  const opened = (): number => statusOf(cluster).run?.gates?.filter(({ openedAt }) => openedAt).length ?? 0;
  const shut = (): boolean => statusOf(cluster).reason === 'WaitingForApproval';
  for (let gates = 1; gates <= 4; gates += 1) {
    cluster.runToEnd({ until: shut });
    cluster.command = 'approve';
    // The status is written, and nothing else.
    for (let look = 0; look < 20; look += 1) cluster.look(1);
    cluster.look();
    cluster.runToEnd({ seconds: 60, until: () => shut() || cluster.phase === 'Succeeded' });
    expect(opened()).toBe(gates);
  }
  cluster.runToEnd();
  expect(cluster.phase).toBe('Succeeded');
});

test('a command given to a run that is overtaken means nothing to the next, wherever Kanari dies', () => {
  const cluster = at(20);
  cluster.hold('v3');
  tell(cluster, 'promote', 1);
  cluster.runToEnd({ seconds: 10 });
  expect(cluster.phase).toBe('Progressing');
  expect(statusOf(cluster).history.map(({ outcome }) => outcome)).toEqual(['Superseded']);
});
