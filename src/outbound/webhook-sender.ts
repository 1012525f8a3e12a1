import type { CallRequest } from '../core/calls.ts';
import type { GuardedPost, PostOutcome } from './guarded-post.ts';
import type { CallOutcome } from './outbound.ts';

// One attempt at a webhook, with its tries.

type WebhookRequest = Extract<CallRequest, { kind: 'webhook' }>;

export interface WebhookSenderOptions {
  post: GuardedPost;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const HEADERS = { 'content-type': 'application/json', 'user-agent': 'kanari' };
// As much as is shown is read, and no more: what webhooks answer beside their status is for people.
const MAX_BYTES = 4_096;
const LONGEST_ANSWER = 200;

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 10_000;

/** In one line, short, without control characters. */
const inOneLine = (body: string): string => {
  const text = body.replace(/[\s\p{C}]+/gu, ' ').trim();
  return text.length > LONGEST_ANSWER ? `${text.slice(0, LONGEST_ANSWER)}…` : text;
};

const describe = (outcome: PostOutcome): string => {
  if (outcome.kind !== 'answer') return outcome.message;
  const body = inOneLine(outcome.body);
  return body === '' ? `HTTP ${outcome.status}` : `HTTP ${outcome.status}: ${body}`;
};

/** As Flagger has it: 203 and above is a refusal. */
const isSuccess = (outcome: PostOutcome): boolean =>
  outcome.kind === 'answer' && outcome.status >= 200 && outcome.status <= 202;

/** Another try may end better: nobody answered, or the other side is overloaded or broken. Nobody's "no" is asked again. */
const mayPass = (outcome: PostOutcome): boolean =>
  outcome.kind === 'unreachable' ||
  (outcome.kind === 'answer' &&
    (outcome.status === 429 || (outcome.status >= 500 && outcome.status !== 501)));

const waitBefore = (retry: number): number => Math.min(FIRST_WAIT_MS * 2 ** retry, LONGEST_WAIT_MS);

/** Sends to webhooks. Whatever they do is an outcome. */
export const createWebhookSender =
  ({ post, sleep }: WebhookSenderOptions) =>
  async (request: WebhookRequest, signal: AbortSignal): Promise<CallOutcome> => {
    const { url, timeoutMs, retries } = request;
    const body = JSON.stringify(request.body);
    for (let retry = 0; ; retry += 1) {
      const outcome = await post(url, { headers: HEADERS, body, timeoutMs, maxBytes: MAX_BYTES, signal });
      if (isSuccess(outcome))
        return { ok: true, message: `HTTP ${outcome.kind === 'answer' ? outcome.status : ''}` };
      if (retry >= retries || !mayPass(outcome) || signal.aborted)
        return { ok: false, message: describe(outcome) };
      await sleep(waitBefore(retry), signal);
    }
  };
