import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OutboundCall } from '../../../src/core/calls.ts';
import type { Webhook, WebhookType } from '../../../src/core/webhook.ts';
import type { WebhookPayload } from '../../../src/core/webhook-payload.ts';
import { outcomes } from './run-beginnings.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

const OK = { ok: true, message: 'HTTP 200' };
const NO = { ok: false, message: 'HTTP 403: closed' };

const hook = (type: WebhookType, name: string = type): Webhook => ({
  name,
  type,
  url: `http://hooks.shop/${name}`,
  timeoutMs: 10_000,
  retries: 2,
  metadata: { cmd: 'hey' },
});

const GATES = [hook('confirm-rollout'), hook('confirm-traffic-increase'), hook('confirm-promotion')];

/** v2 is held, and its webhooks answer 200 unless told otherwise. */
const held = (hooks: Webhook[], settings: Partial<SimulatedCluster['settings']> = {}): SimulatedCluster => {
  const cluster = new SimulatedCluster();
  cluster.runToEnd({ seconds: 3 });
  cluster.settings = { ...cluster.settings, ...settings, webhooks: hooks };
  cluster.receiver = () => OK;
  cluster.hold('v2');
  return cluster;
};

const payloadOf = ({ request }: OutboundCall) =>
  (request.kind === 'webhook' ? request.body : {}) as WebhookPayload;
/** `type/name`, in the order of the calls. */
const called = (cluster: SimulatedCluster): string[] =>
  cluster.calls.map(({ id }) => id.slice(0, id.lastIndexOf('@')));
const times = (cluster: SimulatedCluster, name: string): number =>
  called(cluster).filter((each) => each === name).length;
const records = (cluster: SimulatedCluster) => cluster.canary?.status?.run?.calls ?? [];
const refusing =
  (type: string, until = () => false) =>
  ({ id }: OutboundCall) =>
    id.startsWith(`${type}/`) && !until() ? NO : OK;

describe('webhooks of a run', () => {
  test('are called in the order of the run, each with the phase that Flagger would send', () => {
    const cluster = held([...GATES, hook('pre-rollout'), hook('rollout'), hook('post-rollout')]);
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
    expect(cluster.calls.map((call) => [payloadOf(call).phase, call.id.split('/')[0]])).toEqual([
      ['Progressing', 'confirm-rollout'],
      ['Progressing', 'pre-rollout'],
      ['Progressing', 'confirm-traffic-increase'],
      ['Progressing', 'rollout'],
      ['Progressing', 'confirm-traffic-increase'],
      ['Progressing', 'rollout'],
      ['Progressing', 'confirm-promotion'],
      ['Succeeded', 'post-rollout'],
    ]);
    expect(cluster.events.filter((message) => message.endsWith(' passed'))).toEqual([
      'Confirm-rollout check confirm-rollout passed',
      'Pre-rollout check pre-rollout passed',
      'Confirm-traffic-increase check confirm-traffic-increase passed',
      'Confirm-traffic-increase check confirm-traffic-increase passed',
      'Confirm-promotion check confirm-promotion passed',
      'Post-rollout check post-rollout passed',
    ]);
  });

  test('are not called where the Deployment is idle', () => {
    const cluster = held([hook('rollback'), hook('rollout'), hook('post-rollout')]);
    cluster.receiver = refusing('rollback');
    cluster.runToEnd();
    const before = cluster.calls.length;
    cluster.runToEnd({ seconds: 120 });
    expect(cluster.calls).toHaveLength(before);
  });

  test('that hang hold up neither the fast path nor the withdrawal that follows it', () => {
    const cluster = held([hook('rollout'), hook('rollback')]);
    cluster.receiver = () => undefined;
    cluster.runToEnd({ until: () => cluster.canary?.status?.reason === 'WaitingForWebhook' });
    cluster.errorRate['v2'] = 0.5;
    cluster.runToEnd({ seconds: 60 });
    expect(outcomes(cluster)).toEqual(['RolledBack']);
  });

  test('of a superseded run are forgotten: the next run asks anew', () => {
    const cluster = held([hook('pre-rollout')]);
    cluster.receiver = () => undefined;
    cluster.runToEnd({ until: () => cluster.calls.length > 0 });
    cluster.hold('v3');
    cluster.receiver = () => OK;
    cluster.runToEnd();
    const [first, second] = cluster.calls;
    expect(outcomes(cluster)).toEqual(['Promoted', 'Superseded']);
    expect(second?.runId).not.toBe(first?.runId);
    expect(second && payloadOf(second).checksum).not.toBe(first && payloadOf(first).checksum);
  });

  test('of a retried run are called again', () => {
    const cluster = held([hook('pre-rollout')], { threshold: 1 });
    cluster.receiver = refusing('pre-rollout');
    cluster.runToEnd();
    cluster.receiver = () => OK;
    cluster.command = 'retry';
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted', 'RolledBack']);
    expect(times(cluster, 'pre-rollout/pre-rollout')).toBe(2);
  });

  test('leave few records behind, however many checks there are', () => {
    const cluster = held([hook('rollout'), hook('rollback')], {
      iterations: { checks: 20, match: undefined },
      successRate: 'off',
      latency: 'off',
    });
    cluster.receiver = refusing('rollback');
    let most = 0;
    cluster.runToEnd({
      until: () => {
        most = Math.max(most, records(cluster).length);
        return cluster.phase === 'Succeeded';
      },
    });
    expect({ most, checks: times(cluster, 'rollout/rollout') }).toEqual({ most: 2, checks: 20 });
  });
});

describe('a pre-rollout webhook', () => {
  test('is called before the canary gets a request', () => {
    const cluster = held([hook('pre-rollout')]);
    cluster.receiver = () => undefined;
    cluster.runToEnd({ seconds: 60 });
    expect(times(cluster, 'pre-rollout/pre-rollout')).toBe(1);
    expect({ weight: cluster.weight, reason: cluster.canary?.status?.reason }).toEqual({
      weight: 0,
      reason: 'WaitingForWebhook',
    });
  });

  test('that refuses is a failed check, and is called again after the interval', () => {
    const cluster = held([hook('pre-rollout', 'smoke')]);
    cluster.receiver = refusing('pre-rollout', () => cluster.calls.length > 1);
    cluster.runToEnd({ until: () => cluster.canary?.status?.failedChecks === 1 });
    const { status } = cluster.canary ?? {};
    expect(status).toMatchObject({
      reason: 'WebhookFailed',
      message: 'pre-rollout check smoke failed: HTTP 403: closed',
    });
    const failedAt = cluster.now.getTime();
    cluster.runToEnd({ until: () => cluster.calls.length > 1 });
    expect(cluster.now.getTime() - failedAt).toBe(5_000);
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
    expect(cluster.events).toContain('Halt web advancement pre-rollout check smoke failed: HTTP 403: closed');
    expect(cluster.events).toContain('Pre-rollout check smoke passed');
  });

  test('that keeps refusing has the run rolled back at the threshold, without a request to the canary', () => {
    const cluster = held([hook('pre-rollout', 'smoke'), hook('pre-rollout', 'never')]);
    cluster.receiver = refusing('pre-rollout');
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['RolledBack']);
    expect(cluster.canary?.status?.message).toBe(
      'failed checks threshold reached 2: pre-rollout check smoke failed: HTTP 403: closed',
    );
    expect(called(cluster)).toEqual(['pre-rollout/smoke', 'pre-rollout/smoke']);
    expect(cluster.shares.every(({ weight }) => weight === 0)).toBe(true);
  });

  test('that keeps refusing freezes the run where that is asked for, and is asked no more', () => {
    const cluster = held([hook('pre-rollout')], { onFailure: 'freeze' });
    cluster.receiver = refusing('pre-rollout');
    cluster.runToEnd({ seconds: 120 });
    expect(cluster.canary?.status).toMatchObject({ phase: 'Paused', reason: 'Frozen', failedChecks: 2 });
    expect(cluster.calls).toHaveLength(2);
  });
});

describe('a rollout webhook', () => {
  test('is called once for each check, and stands among the checks', () => {
    const cluster = held([hook('rollout', 'load-test')]);
    cluster.runToEnd({ until: () => cluster.weight === 50 });
    expect(cluster.canary?.status?.checks).toContainEqual({
      metric: 'load-test',
      value: 'HTTP 200',
      limit: 'HTTP 200–202',
      requests: 0,
      verdict: 'pass',
      reason: 'WebhookPassed',
      message: 'webhook load-test passed',
    });
    cluster.runToEnd();
    expect(called(cluster)).toEqual(['rollout/load-test', 'rollout/load-test']);
  });

  test('is not called again while the metrics of its check are waited for', () => {
    const cluster = held([hook('rollout')]);
    cluster.metrics = 'down';
    cluster.runToEnd({ seconds: 60 });
    expect(cluster.calls).toHaveLength(1);
    cluster.metrics = 'up';
    cluster.runToEnd();
    expect(cluster.calls).toHaveLength(2);
  });

  test('that refuses fails its check, and those after it are not called', () => {
    const cluster = held([hook('rollout', 'first'), hook('rollout', 'second')]);
    cluster.receiver = refusing('rollout');
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['RolledBack']);
    expect(called(cluster)).toEqual(['rollout/first', 'rollout/first']);
    expect(cluster.events).toContain('Halt web advancement webhook first failed: HTTP 403: closed');
  });
});

describe('a rollback webhook', () => {
  test('that answers 200 has the run rolled back, whatever it waits for', () => {
    const cluster = held([hook('rollback', 'panic')]);
    cluster.metrics = 'down';
    let wanted = false;
    cluster.receiver = refusing('rollback', () => wanted);
    cluster.runToEnd({ until: () => cluster.weight === 20 });
    wanted = true;
    cluster.runToEnd({ seconds: 60 });
    expect(outcomes(cluster)).toEqual(['RolledBack']);
    expect(cluster.canary?.status).toMatchObject({
      reason: 'RollbackAsked',
      message: 'webhook panic asked for a rollback',
    });
    expect(cluster.events).toContain('Rolling back web webhook panic asked for a rollback');
  });

  test('that answers anything else is asked again each interval, and changes nothing', () => {
    const cluster = held([hook('rollback')]);
    cluster.receiver = refusing('rollback');
    const began = cluster.now.getTime();
    cluster.runToEnd({ until: () => cluster.phase === 'Promoting' });
    const intervals = Math.floor((cluster.now.getTime() - began) / 5_000);
    expect(times(cluster, 'rollback/rollback')).toBeGreaterThanOrEqual(intervals);
    expect(times(cluster, 'rollback/rollback')).toBeLessThanOrEqual(intervals + 1);
  });

  test('is asked twice a minute where intervals are long', () => {
    const cluster = held([hook('rollback')], { intervalMs: 3_600_000 });
    cluster.receiver = refusing('rollback');
    cluster.runToEnd({ seconds: 299 });
    expect(times(cluster, 'rollback/rollback')).toBe(10);
  });
});

describe('a post-rollout webhook', () => {
  test('is told of a rollback once all is withdrawn', () => {
    const cluster = held([hook('post-rollout', 'notify')], { threshold: 1 });
    cluster.errorRate['v2'] = 0.3;
    cluster.receiver = () => {
      expect({ canary: cluster.canaryDeployment, weight: cluster.weight }).toEqual({});
      return OK;
    };
    cluster.runToEnd();
    expect(cluster.calls.map(payloadOf)).toMatchObject([{ phase: 'Failed' }]);
    expect(cluster.events).toContain('Post-rollout check notify passed');
  });

  test('that fails is told of in an Event, the next is called, and the run ends as it would', () => {
    const cluster = held([hook('post-rollout', 'first'), hook('post-rollout', 'second')]);
    cluster.receiver = ({ id }) => (id.includes('first') ? NO : OK);
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
    expect(called(cluster)).toEqual(['post-rollout/first', 'post-rollout/second']);
    expect(cluster.events).toContain('Post-rollout hook first failed HTTP 403: closed');
  });

  test('that is never answered is waited for no longer than the progress deadline', () => {
    const cluster = held([hook('post-rollout')]);
    cluster.receiver = () => undefined;
    cluster.runToEnd({ seconds: 900 });
    expect(outcomes(cluster)).toEqual(['Promoted']);
  });
});

describe('a confirm-promotion webhook', () => {
  test('that refuses keeps the run at its last weight, and rollout webhooks are called at each check meanwhile', () => {
    const cluster = held([hook('confirm-promotion', 'gate'), hook('rollout')]);
    let open = false;
    cluster.receiver = refusing('confirm-promotion', () => open);
    cluster.runToEnd({ seconds: 120 });
    expect(cluster.canary?.status).toMatchObject({
      phase: 'WaitingPromotion',
      canaryWeight: 50,
      reason: 'WaitingForWebhook',
      message: expect.stringContaining('webhook gate (HTTP 403: closed)'),
    });
    expect(times(cluster, 'rollout/rollout')).toBeGreaterThan(10);
    expect(cluster.events.filter((message) => message.startsWith('Halt'))).toHaveLength(1);
    open = true;
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
    expect(cluster.events).toContain('Confirm-promotion check gate passed');
  });
});

describe('an event webhook', () => {
  test('is sent every Event of the run, in order, and is never waited for', () => {
    const cluster = held([hook('event')]);
    const before = cluster.events.length;
    cluster.receiver = () => undefined;
    cluster.runToEnd();
    expect(outcomes(cluster)).toEqual(['Promoted']);
    expect(cluster.calls.map((call) => payloadOf(call).metadata?.['eventMessage'])).toEqual(
      cluster.events.slice(before),
    );
    expect(cluster.calls.every(({ unanswered }) => unanswered === true)).toBe(true);
    expect(payloadOf(cluster.calls.at(-1) as OutboundCall).phase).toBe('Succeeded');
  });
});

describe('killed between any two writes', () => {
  const HOOKS = [...GATES, hook('pre-rollout'), hook('rollout'), hook('rollback'), hook('post-rollout')];

  test('a run with webhooks comes to the same end, and repeats no call whose answer is written down', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 4 }), { maxLength: 60 }), fc.boolean(), (kills, good) => {
        const cluster = held(HOOKS, { threshold: 1 });
        cluster.receiver = (call) => {
          const written = records(cluster).find(({ id }) => id === call.id);
          expect(written, 'asked for before it stands in the status').toBeDefined();
          expect(written?.state, 'repeated although it was answered').toBe('under-way');
          return call.id.startsWith('rollback/') || (!good && call.id.startsWith('rollout/')) ? NO : OK;
        };
        const left = [...kills];
        cluster.runToEnd({ killAfter: () => left.shift() ?? Number.POSITIVE_INFINITY });
        expect(outcomes(cluster)).toEqual([good ? 'Promoted' : 'RolledBack']);
        expect(new Set(called(cluster))).toContain('post-rollout/post-rollout');
      }),
      { numRuns: 60 },
    );
  });
});
