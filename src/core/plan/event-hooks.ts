import type { OutboundCall } from '../calls.ts';
import type { Effect, Plan } from '../effects.ts';
import { eventPayloadOf } from '../webhook-payload.ts';
import { hookIdOf, hooksOf } from './hook-calls.ts';
import type { RunContext } from './move.ts';

/** The calls that tell `event` webhooks of one Event; nobody waits for them. */
const callsFor = (context: RunContext, { type, message }: Extract<Effect, { kind: 'event' }>): Effect[] =>
  hooksOf(context, 'event').map((webhook): Effect => {
    const { run, status, snapshot, now } = context;
    const { url, timeoutMs, retries, metadata } = webhook;
    const of = { key: snapshot.key, run, phase: status.phase };
    const body = eventPayloadOf(of, metadata, { type, message, at: now });
    const call: OutboundCall = {
      runId: run.id,
      id: hookIdOf(context, webhook),
      attempt: 1,
      request: { kind: 'webhook', url, timeoutMs, retries, body },
      unanswered: true,
    };
    return { kind: 'call', call };
  });

/** The plan with the calls that its Events ask for, each behind its Event. */
export const withEventsSent = (context: RunContext, decided: Plan): Plan => {
  const status = decided.status ?? context.status;
  const current: RunContext = { ...context, status, run: status.run ?? context.run };
  const effects = decided.effects.flatMap((effect) =>
    effect.kind === 'event' ? [effect, ...callsFor(current, effect)] : [effect],
  );
  return { ...decided, effects };
};
