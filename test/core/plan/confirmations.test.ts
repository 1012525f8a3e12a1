import { describe, expect, test } from 'vitest';
import type { CallRecord } from '../../../src/core/calls.ts';
import { factsOf } from '../../../src/core/facts.ts';
import type { GatePlace } from '../../../src/core/gate-place.ts';
import { confirmations } from '../../../src/core/plan/confirmations.ts';
import { initialStatus, newRun } from '../../../src/core/plan/lifecycle.ts';
import type { RunContext } from '../../../src/core/plan/move.ts';
import type { Webhook, WebhookType } from '../../../src/core/webhook.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

const gate = (type: WebhookType, name = 'gate'): Webhook => ({
  name,
  type,
  url: `http://hooks.shop/${name}`,
  timeoutMs: 10_000,
  retries: 0,
  metadata: {},
});

/** A run whose webhooks are these, and what stands of their calls. */
const contextOf = (webhooks: Webhook[], calls: CallRecord[] = []): RunContext => {
  const cluster = new SimulatedCluster();
  cluster.settings = { ...cluster.settings, webhooks, intervalMs: 60_000 };
  const { now } = cluster;
  const snapshot = cluster.snapshot();
  const facts = factsOf(snapshot, cluster.deployment);
  const status = { ...initialStatus(facts, now), step: 2, phase: 'Waiting' as const };
  return { snapshot, facts, status, run: { ...newRun(facts, now), calls }, now };
};

const recordOf = (id: string, changes: Partial<CallRecord> = {}): CallRecord => ({
  id,
  state: 'failed',
  since: '2026-11-21T02:37:00.000Z',
  attempt: 1,
  message: 'HTTP 403: closed',
  ...changes,
});

describe('a gate', () => {
  test.each<[GatePlace, WebhookType, string, string]>([
    ['start', 'confirm-rollout', 'start', 'Waiting'],
    ['traffic', 'confirm-traffic-increase', '2', 'Progressing'],
    ['promotion', 'confirm-promotion', 'promotion', 'Progressing'],
  ])('%s asks its %s webhooks, and stays shut until they answer', (place, type, at, phase) => {
    const id = `${type}/gate@${at}`;
    const context = contextOf([gate(type)]);
    expect(confirmations(context, place)).toMatchObject({
      reason: 'WaitingForWebhook',
      waitsFor: 'webhook gate',
      run: { calls: [{ id, state: 'under-way', attempt: 1 }] },
      effects: [{ kind: 'call', call: { id, attempt: 1, request: { body: { phase } } } }],
    });
    const others = (['start', 'traffic', 'promotion'] as const).filter((other) => other !== place);
    expect(others.map((other) => confirmations(context, other))).toEqual([undefined, undefined]);
  });

  test('is open once its webhooks have agreed, and asks no more', () => {
    const agreed = recordOf('confirm-rollout/gate@start', { state: 'succeeded' });
    expect(confirmations(contextOf([gate('confirm-rollout')], [agreed]), 'start')).toBeUndefined();
  });

  test('asks the next webhook when the one before has agreed', () => {
    const hooks = [gate('confirm-promotion', 'first'), gate('confirm-promotion', 'second')];
    const agreed = recordOf('confirm-promotion/first@promotion', { state: 'succeeded' });
    expect(confirmations(contextOf(hooks), 'promotion')?.effects).toHaveLength(1);
    expect(confirmations(contextOf(hooks, [agreed]), 'promotion')?.waitsFor).toBe('webhook second');
  });

  test('that is refused says by whom and why, tells it once, and asks again within half a minute', () => {
    const id = 'confirm-promotion/gate@promotion';
    const hooks = [gate('confirm-promotion')];
    const refused = confirmations(contextOf(hooks, [recordOf(id)]), 'promotion');
    expect(refused).toMatchObject({
      waitsFor: 'webhook gate (HTTP 403: closed)',
      run: { calls: [{ id, againAt: '2026-11-21T02:38:30.000Z' }] },
      effects: [{ message: 'Halt web advancement waiting for promotion approval gate (HTTP 403: closed)' }],
      requeueAfterMs: 30_000,
    });
    const again = recordOf(id, { attempt: 2 });
    expect(confirmations(contextOf(hooks, [again]), 'promotion')?.effects).toEqual([]);
  });

  test('waits until it is time to ask again, and still says why', () => {
    const hooks = [gate('confirm-rollout')];
    const id = 'confirm-rollout/gate@start';
    const later = recordOf(id, { againAt: '2026-11-21T02:38:10.000Z' });
    expect(confirmations(contextOf(hooks, [later]), 'start')).toMatchObject({ requeueAfterMs: 10_000 });
    const due = recordOf(id, { againAt: '2026-11-21T02:38:00.000Z' });
    expect(confirmations(contextOf(hooks, [due]), 'start')).toMatchObject({
      waitsFor: 'webhook gate (HTTP 403: closed)',
      run: { calls: [{ state: 'under-way', attempt: 2 }] },
      effects: [{ kind: 'call', call: { attempt: 2 } }],
    });
  });
});
