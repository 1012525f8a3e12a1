import { isAsSevere } from '../alert.ts';
import { endedMessage, severityOf } from '../alert-messages.ts';
import type { CallAnswer, CallRecord, OutboundCall } from '../calls.ts';
import type { Effect } from '../effects.ts';
import { newEntries } from '../history.ts';
import type { CanaryStatus, HistoryEntry } from '../run.ts';
import type { Snapshot } from '../snapshot.ts';
import { knownProviders, providersTold } from './alert-rules.ts';
import { elapsedMs, event, stamp } from './move.ts';

// The last message of each run. It is noted in the status that ends the run, before it is sent, and stays noted until
// it is taken or given up: neither a restart nor the next run loses it. A process that dies between the answer and the
// note of it sends it once more.

/** Between attempts, each of which is several tries of the sender's own. */
const WAITS_MS = [10_000, 30_000, 120_000, 600_000] as const;

const runOf = ({ started, revision }: HistoryEntry): string => `${started}/${revision}`;

const PREFIX = 'alert/';
const idOf = (provider: string, entry: HistoryEntry): string => `${PREFIX}${provider}@${runOf(entry)}`;

/** One message that is not delivered yet. */
interface Pending {
  record: CallRecord;
  provider: string;
  entry: HistoryEntry;
}

interface Step {
  record: CallRecord;
  effects: Effect[];
  /** Milliseconds until the next attempt. */
  waitMs?: number;
}

interface Telling {
  snapshot: Snapshot;
  status: CanaryStatus;
  now: Date;
}

const called = ({ snapshot, status }: Telling, { record, provider, entry }: Pending): Effect => {
  const message = endedMessage(snapshot.key, entry, status);
  const { id, attempt } = record;
  const call: OutboundCall = {
    runId: runOf(entry),
    id,
    attempt,
    request: { kind: 'alert', provider, message },
  };
  return { kind: 'call', call };
};

const failed = (telling: Telling, pending: Pending, answer: CallAnswer): Step => {
  const { record, provider, entry } = pending;
  const wait = answer.final === true ? undefined : WAITS_MS[record.attempt - 1];
  if (wait === undefined) {
    const words = `Alert provider ${provider} was not told that the run of ${entry.images.join(', ')} ended ${entry.outcome}: ${answer.message}`;
    return {
      record: { ...record, state: 'failed', message: answer.message },
      effects: [event(words, 'Warning')],
    };
  }
  const left = wait - elapsedMs(answer.at, telling.now);
  if (left > 0) return { record, effects: [], waitMs: left };
  const next = { ...record, attempt: record.attempt + 1, message: answer.message };
  return { record: next, effects: [called(telling, { ...pending, record: next })] };
};

const step = (telling: Telling, pending: Pending): Step => {
  const { record } = pending;
  const answer = telling.snapshot.callAnswers.find(
    ({ id, attempt }) => id === record.id && attempt === record.attempt,
  );
  if (answer === undefined) return { record, effects: [called(telling, pending)] };
  if (!answer.ok) return failed(telling, pending, answer);
  return { record: { ...record, state: 'succeeded', message: answer.message }, effects: [] };
};

const isPending = ({ id, state }: CallRecord): boolean => id.startsWith(PREFIX) && state === 'under-way';

/** Noted for each provider that is to be told of a run that has just become history. */
const noted = ({ snapshot, status, now }: Telling, before: CanaryStatus): CallRecord[] =>
  newEntries(before, status).flatMap((entry) =>
    providersTold(snapshot)
      .filter(({ severity }) => isAsSevere(severityOf(entry), severity))
      .map(({ provider }): CallRecord => {
        return { id: idOf(provider, entry), state: 'under-way', since: stamp(now), attempt: 1 };
      }),
  );

/**
 * With the run that it tells of; none once that, or the provider, is forgotten. Whoever was to be told when the run
 * ended is told, whatever has become of the policy since.
 */
const pendingOf = ({ snapshot, status }: Telling, record: CallRecord): Pending[] =>
  knownProviders(snapshot).flatMap((provider) =>
    status.history
      .filter((entry) => idOf(provider, entry) === record.id)
      .map((entry) => ({ record, provider, entry })),
  );

export interface Told {
  /** All calls that the run keeps. */
  calls: CallRecord[];
  effects: Effect[];
  /** Milliseconds until the next attempt; undefined: none is due. */
  waitMs: number | undefined;
}

/**
 * What becomes of the last messages of this Deployment's runs; undefined when there are none to tell.
 * @param before the status that the plan was made from
 */
export const lastMessages = (telling: Telling, before: CanaryStatus): Told | undefined => {
  const kept = telling.status.run?.calls ?? [];
  const others = kept.filter((record) => !isPending(record));
  // Those of a run that another has followed are in neither its own calls nor the other's yet.
  const waiting = new Map(
    [...(before.run?.calls ?? []), ...kept].filter(isPending).map((record) => [record.id, record]),
  );
  const records = [...waiting.values(), ...noted(telling, before)];
  if (records.length === 0) return undefined;
  const steps = records.flatMap((record) => pendingOf(telling, record)).map((each) => step(telling, each));
  const waits = steps.flatMap(({ waitMs }) => waitMs ?? []);
  return {
    calls: [...others, ...steps.map(({ record }) => record)],
    effects: steps.flatMap(({ effects }) => effects),
    waitMs: waits.length === 0 ? undefined : Math.min(...waits),
  };
};
