import { WEBHOOK_FAILED, WEBHOOK_PASSED } from '../check-reasons.ts';
import type { MetricCheck } from '../run.ts';
import { type Asked, askedAgain, leftUntilAgain } from './asking.ts';
import { frozen, thresholdReached } from './failed-check.ts';
import { askedHook, hookIdOf, hooksOf } from './hook-calls.ts';
import { phaseAtEnd } from './lifecycle.ts';
import { elapsedMs, ending, event, isGivenTraffic, type Move, type RunContext, type Stage } from './move.ts';
import { wordsOf } from './withdraw.ts';

// What users' webhooks have to say about a run. None is waited for: a look asks, and a later one has the answer.

/** A `rollback` webhook answers 200: somebody wants the run to end. */
export const rollbackAsked: Stage = (context) => {
  const { run } = context;
  const webhook = hooksOf(context, 'rollback').find((each) =>
    run.calls?.some(({ id, state }) => id === hookIdOf(context, each) && state === 'succeeded'),
  );
  if (webhook === undefined) return undefined;
  const words = { reason: 'RollbackAsked', message: `webhook ${webhook.name} asked for a rollback` };
  return {
    run: { ...run, ending: ending(context, { outcome: 'RolledBack', ...words }) },
    ...words,
    requeueAfterMs: 0,
  };
};

const waiting = ({ snapshot }: RunContext, { run, effects }: Asked, name: string): Move => ({
  run,
  effects,
  reason: 'WaitingForWebhook',
  message: `waiting for the answer of webhook ${name}`,
  requeueAfterMs: snapshot.operator.lookIntervalMs,
});

/** A refusal is a failed check, and the webhook is called again after the interval. */
const preRolloutFailed = (context: RunContext, { record, run }: Asked, name: string): Move => {
  const { status, snapshot, facts, now } = context;
  const { intervalMs, threshold } = snapshot.settings;
  const reason = WEBHOOK_FAILED;
  const message = `pre-rollout check ${name} failed: ${record.message ?? ''}`;
  if (record.againAt !== undefined)
    return {
      run,
      reason,
      message: `${message}; it is called again after the interval`,
      requeueAfterMs: leftUntilAgain(record, now),
    };
  const failedChecks = status.failedChecks + 1;
  const counted: RunContext = { ...context, run: askedAgain(context, record, intervalMs) };
  if (failedChecks >= threshold) return thresholdReached(counted, failedChecks, message);
  return {
    status: { failedChecks },
    run: counted.run,
    effects: [event(`Halt ${facts.deployment.metadata.name} advancement ${message}`, 'Warning')],
    reason,
    message,
    requeueAfterMs: intervalMs,
  };
};

/** Every `pre-rollout` webhook has passed, before the canary gets its first request. */
export const preRolloutPassed: Stage = (context) => {
  if (context.run.given !== undefined || isGivenTraffic(context)) return undefined;
  for (const webhook of hooksOf(context, 'pre-rollout')) {
    const call = askedHook(context, webhook);
    if (call.record.state === 'succeeded') continue;
    const stopped = frozen(context);
    if (stopped !== undefined) return stopped;
    if (call.record.state === 'under-way') return waiting(context, call, webhook.name);
    return preRolloutFailed(context, call, webhook.name);
  }
  return undefined;
};

/** The `rollout` webhooks of this check have answered, up to the first that refuses; each counts as a metric. */
export const rolloutAnswered: Stage = (context) => {
  for (const webhook of hooksOf(context, 'rollout')) {
    const call = askedHook(context, webhook);
    if (call.record.state === 'under-way') return waiting(context, call, webhook.name);
    if (call.record.state === 'failed') return undefined;
  }
  return undefined;
};

/** What they answered, as checks. */
export const webhookChecks = (context: RunContext): MetricCheck[] =>
  hooksOf(context, 'rollout').flatMap((webhook): MetricCheck[] => {
    const id = hookIdOf(context, webhook);
    const record = context.run.calls?.find((call) => call.id === id);
    if (record === undefined || record.state === 'under-way') return [];
    const passed = record.state === 'succeeded';
    const value = record.message ?? '';
    return [
      {
        metric: webhook.name,
        value,
        limit: 'HTTP 200–202',
        requests: 0,
        verdict: passed ? 'pass' : 'fail',
        reason: passed ? WEBHOOK_PASSED : WEBHOOK_FAILED,
        message: `webhook ${webhook.name} ${passed ? 'passed' : `failed: ${value}`}`,
      },
    ];
  });

/** `post-rollout` webhooks have been called; how they end changes nothing. */
export const postRolloutCalled: Stage = (context) => {
  const { snapshot, run, now } = context;
  for (const webhook of hooksOf(context, 'post-rollout')) {
    const call = askedHook(context, webhook, phaseAtEnd(run));
    const { since, state } = call.record;
    const late = elapsedMs(since, now) > snapshot.settings.progressDeadlineMs;
    if (state === 'under-way' && !late)
      return { ...waiting(context, call, webhook.name), ...wordsOf(context) };
  }
  return undefined;
};
