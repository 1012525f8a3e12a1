import { type AlertMessage, isAsSevere } from '../alert.ts';
import { startedMessage, waitingMessage } from '../alert-messages.ts';
import type { Effect, Plan } from '../effects.ts';
import type { CanaryStatus, Run } from '../run.ts';
import type { Snapshot } from '../snapshot.ts';
import { providersTold, unknownProvidersTold } from './alert-rules.ts';
import { isActive } from './lifecycle.ts';
import type { RunContext } from './move.ts';
import { lastMessages } from './terminal-alerts.ts';

// Who is told of a run, beside the Events: when it starts, when it waits for somebody, and how it ended. Only the last
// of these is made sure of (terminal-alerts.ts); the others are sent once, and lost if Kanari dies in that moment.

const isSameRun = (run: Run, other: Run | undefined): boolean =>
  run.id === other?.id && run.startedAt === other.startedAt;

const WAITING_FOR_SOMEBODY = ['HoldBroken', 'PrimaryLost', 'ServiceNotFound', 'TrafficUnsupported'];

/** It does not go on by itself, and nobody has asked for that. */
const isStuck = ({ settings, traffic }: Snapshot, { phase, reason, run }: CanaryStatus): boolean => {
  if (reason === 'PausedByCommand') return false;
  const causes = [
    'PromotionStalled',
    'RoutesContested',
    settings.policyProblem?.reason,
    traffic.obstacle?.reason,
    ...(run?.ending === undefined ? WAITING_FOR_SOMEBODY : []),
  ];
  return phase === 'Paused' || causes.includes(reason);
};

const waitsForApproval = ({ reason }: CanaryStatus): boolean => reason === 'WaitingForApproval';

/** Worth a message by itself: each only when it begins. */
const messagesOf = (snapshot: Snapshot, before: CanaryStatus, after: CanaryStatus): AlertMessage[] => {
  const { run } = after;
  const { key } = snapshot;
  if (!isActive(run)) return [];
  const begun = !isSameRun(run, before.run);
  const isNew = (holds: (status: CanaryStatus) => boolean): boolean =>
    holds(after) && (begun || !holds(before));
  return [
    ...(begun && run.ending === undefined ? [startedMessage(key, run)] : []),
    ...(isNew(waitsForApproval) ? [waitingMessage(key, run, after, 'info')] : []),
    ...(isNew((status) => isStuck(snapshot, status)) ? [waitingMessage(key, run, after, 'warn')] : []),
  ];
};

const sent = (snapshot: Snapshot, run: Run | undefined, message: AlertMessage): Effect[] =>
  providersTold(snapshot)
    .filter(({ severity }) => isAsSevere(message.severity, severity))
    .map(({ provider }) => ({
      kind: 'call',
      call: {
        runId: run?.id ?? '',
        id: `alert/${provider}@${message.id}`,
        attempt: 1,
        request: { kind: 'alert', provider, message },
        unanswered: true,
      },
    }));

const sooner = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** The plan with the alerts that its change of the status asks for; they come first, for nothing can fail about them. */
export const withAlerts = ({ snapshot, status: before, now }: RunContext, decided: Plan): Plan => {
  const status = decided.status;
  if (status === undefined) return decided;
  const messages = messagesOf(snapshot, before, status);
  const started = messages.some(({ moment }) => moment === 'Started');
  const effects = [
    ...(started ? unknownProvidersTold(snapshot) : []),
    ...messages.flatMap((message) => sent(snapshot, status.run, message)),
  ];
  const last = lastMessages({ snapshot, status, now }, before);
  if (last === undefined || status.run === undefined)
    return { ...decided, effects: [...effects, ...decided.effects] };
  return {
    ...decided,
    status: { ...status, run: { ...status.run, calls: last.calls } },
    effects: [...last.effects, ...effects, ...decided.effects],
    requeueAfterMs: sooner(decided.requeueAfterMs, last.waitMs),
  };
};
