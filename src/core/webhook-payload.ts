import { createHash } from 'node:crypto';
import type { ObjectKey } from './objects.ts';
import type { Phase, Run } from './run.ts';
import type { Webhook } from './webhook.ts';

// What webhooks are sent: Flagger's payload, field by field, so that what receives it from Flagger needs no change.

/** Flagger's words; it knows no pause. */
export type PayloadPhase = Exclude<Phase, 'Paused'>;

export interface WebhookPayload {
  /** The Deployment's. */
  name: string;
  namespace: string;
  phase: PayloadPhase;
  /** The same in all calls of a run, and another in the next run. */
  checksum: string;
  /** Absent where there is none. */
  metadata?: Readonly<Record<string, string>>;
}

/** Whose payload it is. */
export interface PayloadOf {
  key: ObjectKey;
  run: Pick<Run, 'id'>;
  phase: Phase;
}

const CHECKSUM_DIGITS = 10;

const checksumOf = (run: Pick<Run, 'id'>): string =>
  createHash('sha256').update(run.id).digest('hex').slice(0, CHECKSUM_DIGITS);

export const payloadOf = ({ key, run, phase }: PayloadOf, metadata: Webhook['metadata']): WebhookPayload => {
  const [namespace = '', name = ''] = key.split('/');
  return {
    name,
    namespace,
    phase: phase === 'Paused' ? 'Waiting' : phase,
    checksum: checksumOf(run),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
};

/** An Event as `event` webhooks get it. What it says comes before metadata of the same name. */
export const eventPayloadOf = (
  of: PayloadOf,
  metadata: Webhook['metadata'],
  event: { type: string; message: string; at: Date },
): WebhookPayload =>
  payloadOf(of, {
    ...metadata,
    eventMessage: event.message,
    eventType: event.type,
    // Milliseconds, as text.
    timestamp: String(event.at.getTime()),
  });
