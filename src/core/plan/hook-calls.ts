import type { Phase } from '../run.ts';
import { WEBHOOK_TYPES, type Webhook, type WebhookType } from '../webhook.ts';
import { payloadOf } from '../webhook-payload.ts';
import { type Asked, asked } from './asking.ts';
import type { RunContext } from './move.ts';

// Which call to a webhook is which: by its type, its name, and the place in the run that it is made for.

/** Gates and rollbacks are asked about so often, or at each interval where that is shorter: a person waits there. */
const QUESTION_MS = 30_000;

export const questionIntervalOf = ({ snapshot }: Pick<RunContext, 'snapshot'>): number =>
  Math.min(snapshot.settings.intervalMs, QUESTION_MS);

export const hooksOf = ({ snapshot }: RunContext, type: WebhookType): Webhook[] =>
  snapshot.settings.webhooks.filter((webhook) => webhook.type === type);

const PLACES: Record<WebhookType, (context: RunContext) => string> = {
  'confirm-rollout': () => 'start',
  'pre-rollout': () => 'start',
  // Each check collects evidence of its own, from then on.
  rollout: ({ run }) => run.stepSince ?? 'none',
  'confirm-traffic-increase': ({ status }) => `${status.step}`,
  'confirm-promotion': () => 'promotion',
  'post-rollout': () => 'end',
  rollback: () => 'run',
  event: () => 'run',
};

export const hookIdOf = (context: RunContext, { type, name }: Pick<Webhook, 'type' | 'name'>): string =>
  `${type}/${name}@${PLACES[type](context)}`;

interface HookId {
  type: WebhookType;
  name: string;
  /** Where in the run. */
  place: string;
}

/** The webhook that a call of this id goes to; undefined for other calls. */
export const hookOf = (id: string): HookId | undefined => {
  // Names may have slashes and at-signs; types and places have none.
  const [, before, name, place] = /^([^/]*)\/(.*)@([^@]*)$/s.exec(id) ?? [];
  const type = WEBHOOK_TYPES.find((known) => known === before);
  return type === undefined || name === undefined || place === undefined ? undefined : { type, name, place };
};

/** A call for a check, or a rise of the share, that the run has left behind. */
export const isBehind = (context: RunContext, id: string): boolean => {
  const hook = hookOf(id);
  if (hook?.type === 'rollout') return hookIdOf(context, hook) !== id;
  // One step ahead, the gate of the next rise may be asked about already.
  return hook?.type === 'confirm-traffic-increase' && Number(hook.place) < context.status.step;
};

/** The webhook is called for where the run is now, unless it has been. */
export const askedHook = (context: RunContext, webhook: Webhook, phase: Phase = 'Progressing'): Asked => {
  const { url, timeoutMs, retries, metadata } = webhook;
  const { key } = context.snapshot;
  const body = payloadOf({ key, run: context.run, phase }, metadata);
  return asked(context, hookIdOf(context, webhook), { kind: 'webhook', url, timeoutMs, retries, body });
};
