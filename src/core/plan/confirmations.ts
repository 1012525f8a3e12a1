import type { GatePlace } from '../gate-place.ts';
import type { Webhook, WebhookType } from '../webhook.ts';
import { askedAgain, leftUntilAgain } from './asking.ts';
import type { GateKeeper, GateKept } from './gate-keeper.ts';
import { askedHook, hooksOf, questionIntervalOf } from './hook-calls.ts';
import { event, type RunContext } from './move.ts';

const ASKED_AT: Record<GatePlace, WebhookType> = {
  start: 'confirm-rollout',
  traffic: 'confirm-traffic-increase',
  promotion: 'confirm-promotion',
};

/** As Flagger's users know it. */
const APPROVALS: Record<GatePlace, string> = {
  start: 'approval',
  traffic: 'traffic increase approval',
  promotion: 'promotion approval',
};

const keptBy = (context: RunContext, webhook: Webhook, place: GatePlace): GateKept | undefined => {
  const { status, now } = context;
  const { record, run, effects } = askedHook(
    context,
    webhook,
    place === 'start' ? status.phase : 'Progressing',
  );
  if (record.state === 'succeeded') return undefined;
  const { message, againAt } = record;
  const answer = message === undefined ? '' : ` (${message})`;
  const kept = { reason: 'WaitingForWebhook', waitsFor: `webhook ${webhook.name}${answer}` };
  if (record.state === 'under-way') return { ...kept, run, effects };
  if (againAt !== undefined) return { ...kept, run, requeueAfterMs: leftUntilAgain(record, now) };
  const intervalMs = questionIntervalOf(context);
  const words = `Halt ${context.facts.deployment.metadata.name} advancement waiting for ${APPROVALS[place]} ${webhook.name}${answer}`;
  return {
    ...kept,
    run: askedAgain(context, record, intervalMs),
    effects: record.attempt === 1 ? [event(words, 'Warning')] : [],
    requeueAfterMs: intervalMs,
  };
};

/** The `confirm-…` webhooks of the gate, in order: the first that has not agreed keeps it shut, and is asked again. */
export const confirmations: GateKeeper = (context, place) => {
  for (const webhook of hooksOf(context, ASKED_AT[place])) {
    const kept = keptBy(context, webhook, place);
    if (kept !== undefined) return kept;
  }
  return undefined;
};
