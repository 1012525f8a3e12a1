import type { AlertMessage } from './alert.ts';
import type { Timestamp } from './objects.ts';

// Calls that a run makes to others: to webhooks, and to alert providers. A plan never waits for one: it asks for the
// call, the scheduler makes it, and a later snapshot has the answer.

/** What has become of a call whose outcome counts. Kept in the run, so that a restart neither forgets nor repeats it. */
export interface CallRecord {
  /** Unique in the run; names what is called and the place it is called at: `confirm-traffic-increase/gate@2`. */
  id: string;
  state: 'under-way' | 'succeeded' | 'failed';
  /** When the first attempt was asked for. */
  since: Timestamp;
  /** Attempts asked for, 1 or more. */
  attempt: number;
  /** When a failed one is asked for again; set once the failure has had its effect. */
  againAt?: Timestamp;
  /** The last answer in words. */
  message?: string;
}

export type CallRequest =
  | {
      kind: 'webhook';
      url: string;
      /** Milliseconds that each try has. */
      timeoutMs: number;
      /** Further tries, made at once with a short wait between them, before the attempt has failed. */
      retries: number;
      /** Sent as JSON. */
      body: object;
    }
  | { kind: 'alert'; provider: string; message: AlertMessage };

/** A call that the scheduler is to make. One that is being made already is not made twice. */
export interface OutboundCall {
  runId: string;
  id: string;
  attempt: number;
  request: CallRequest;
  /** Nobody waits for the answer. */
  unanswered?: true;
}

/** How a call ended. Gone after a restart: a record without an answer is called again. */
export interface CallAnswer {
  runId: string;
  id: string;
  attempt: number;
  ok: boolean;
  /** For people: `HTTP 200`, `HTTP 403: closed for the weekend`, `no answer within 10s`. */
  message: string;
  /** Another attempt would end the same. */
  final?: true;
  at: Timestamp;
}
