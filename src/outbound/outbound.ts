import type { CallRequest } from '../core/calls.ts';

/** How a call to others ended, in words for people. */
export interface CallOutcome {
  ok: boolean;
  message: string;
  /** Another attempt would end the same. */
  final?: true;
}

/** Sends one request with its tries and deadlines. Whatever the other side does is an outcome, never an exception. */
export type Send = (request: CallRequest, signal: AbortSignal) => Promise<CallOutcome>;

type Kind = CallRequest['kind'];

/** How each kind of request is sent. */
export type Senders = {
  [K in Kind]: (request: Extract<CallRequest, { kind: K }>, signal: AbortSignal) => Promise<CallOutcome>;
};

export const createSend =
  (senders: Senders): Send =>
  (request, signal) =>
    request.kind === 'webhook' ? senders.webhook(request, signal) : senders.alert(request, signal);
