import type { CallAnswer, OutboundCall } from '../core/calls.ts';
import type { ObjectKey } from '../core/objects.ts';
import { describeError } from '../kube/errors.ts';
import type { CallOutcome, Send } from '../outbound/outbound.ts';

// Makes the calls that plans ask for, each at most once at a time, and keeps their answers for the next snapshot.

export interface CallerOptions {
  send: Send;
  now: () => Date;
  /** An answer has come for this Deployment's run. */
  onAnswer: (key: ObjectKey) => void;
  /** A call has ended; for the log, of calls that nobody waits for too. */
  onEnd?: (key: ObjectKey, call: OutboundCall, outcome: CallOutcome) => void;
}

export interface Caller {
  /** Begins the call and returns; nothing happens while that very attempt is under way or answered. */
  make: (key: ObjectKey, call: OutboundCall) => void;
  answersOf: (key: ObjectKey) => CallAnswer[];
  /** Until the signal aborts; calls under way end with it. Without it none is made. */
  run: (signal: AbortSignal) => Promise<void>;
}

// The last alert of a run may be tried again, minutes after the answer, when the next one makes calls already.
const KEPT_AFTER_RUN_MS = 3_600_000;

interface Made {
  call: OutboundCall;
  answer?: CallAnswer;
}

const nameOf = ({ runId, id, attempt }: OutboundCall): string => `${runId} ${id} ${attempt}`;

export const createCaller = ({ send, now, onAnswer, onEnd }: CallerOptions): Caller => {
  const made = new Map<ObjectKey, Map<string, Made>>();
  /** Ends of the calls that nobody waits for, by Deployment and id. */
  const queues = new Map<string, Promise<void>>();
  let running: AbortSignal | undefined;

  const counts = ({ call, answer }: Made, { runId, id }: OutboundCall): boolean => {
    if (call.runId === runId) return call.id !== id;
    return answer === undefined || now().getTime() - Date.parse(answer.at) < KEPT_AFTER_RUN_MS;
  };

  /** Those that count beside this call: no earlier attempts of it. */
  const beside = (key: ObjectKey, call: OutboundCall): Map<string, Made> => {
    const calls = new Map([...(made.get(key) ?? [])].filter(([, entry]) => counts(entry, call)));
    made.set(key, calls);
    return calls;
  };

  const outcomeOf = async (key: ObjectKey, call: OutboundCall, signal: AbortSignal): Promise<CallOutcome> => {
    const outcome = await send(call.request, signal).catch((error: unknown) => ({
      ok: false,
      message: describeError(error).message,
    }));
    if (!signal.aborted) onEnd?.(key, call, outcome);
    return outcome;
  };

  const finish = async (key: ObjectKey, entry: Made, signal: AbortSignal): Promise<void> => {
    const { call } = entry;
    const outcome = await outcomeOf(key, call, signal);
    if (signal.aborted) return;
    const { runId, id, attempt } = call;
    entry.answer = { runId, id, attempt, ...outcome, at: now().toISOString() };
    onAnswer(key);
  };

  /** One after another, so that Events arrive in their order. */
  const queue = (key: ObjectKey, call: OutboundCall, signal: AbortSignal): void => {
    const name = `${key} ${call.id}`;
    const before = queues.get(name) ?? Promise.resolve();
    const end = before.then(async () => {
      if (!signal.aborted) await outcomeOf(key, call, signal);
      if (queues.get(name) === end) queues.delete(name);
    });
    queues.set(name, end);
  };

  return {
    make: (key, call) => {
      if (running === undefined || running.aborted) return;
      if (call.unanswered === true) {
        queue(key, call, running);
        return;
      }
      if (made.get(key)?.has(nameOf(call)) === true) return;
      const entry: Made = { call };
      beside(key, call).set(nameOf(call), entry);
      void finish(key, entry, running);
    },
    answersOf: (key) => [...(made.get(key)?.values() ?? [])].flatMap(({ answer }) => answer ?? []),
    run: async (signal) => {
      running = signal;
      if (!signal.aborted)
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      made.clear();
    },
  };
};
