import type { CallAnswer, OutboundCall } from '../core/calls.ts';
import type { ObjectKey } from '../core/objects.ts';
import type { Send } from '../outbound/outbound.ts';

// Makes the calls that plans ask for, each at most once at a time, and keeps their answers for the next snapshot.

export interface CallerOptions {
  send: Send;
  now: () => Date;
  /** An answer has come for this Deployment's run. */
  onAnswer: (key: ObjectKey) => void;
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

export const createCaller = ({ send, now, onAnswer }: CallerOptions): Caller => {
  const made = new Map<ObjectKey, Map<string, Made>>();
  let running: AbortSignal | undefined;

  const counts = ({ call, answer }: Made, runId: string): boolean =>
    call.runId === runId ||
    answer === undefined ||
    now().getTime() - Date.parse(answer.at) < KEPT_AFTER_RUN_MS;

  /** Those that count beside a call of this run. */
  const beside = (key: ObjectKey, runId: string): Map<string, Made> => {
    const kept = [...(made.get(key) ?? [])].filter(([, entry]) => counts(entry, runId));
    const calls = new Map(kept);
    made.set(key, calls);
    return calls;
  };

  const finish = async (key: ObjectKey, entry: Made, signal: AbortSignal): Promise<void> => {
    const { call } = entry;
    const outcome = await send(call.request, signal);
    if (signal.aborted || call.unanswered === true) return;
    const { runId, id, attempt } = call;
    entry.answer = { runId, id, attempt, ...outcome, at: now().toISOString() };
    onAnswer(key);
  };

  return {
    make: (key, call) => {
      if (running === undefined || running.aborted) return;
      if (call.unanswered === true) {
        void finish(key, { call }, running);
        return;
      }
      const calls = beside(key, call.runId);
      if (calls.has(nameOf(call))) return;
      const entry: Made = { call };
      calls.set(nameOf(call), entry);
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
