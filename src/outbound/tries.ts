import type { PostOutcome } from './guarded-post.ts';

export interface TryOptions {
  /** 1 or more. */
  tries: number;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  signal: AbortSignal;
}

const FIRST_WAIT_MS = 500;
/** Whoever asks for more is not waited for here. */
const LONGEST_WAIT_MS = 5_000;

const isPassing = (status: number): boolean => status >= 500 || status === 429 || status === 408;

/** Milliseconds that the other side asks for, where it says so in seconds. */
const askedWait = (outcome: PostOutcome): number | undefined => {
  const { retryAfter } = outcome.kind === 'answer' ? outcome : {};
  return retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : undefined;
};

/** It may be otherwise the next time: no answer, or a server in trouble. */
export const mayPass = (outcome: PostOutcome): boolean =>
  outcome.kind === 'unreachable' || (outcome.kind === 'answer' && isPassing(outcome.status));

/** Tries until the outcome is one that stays, or so many tries are made; waits 0.5 s, 1 s, 2 s … between them. */
export const withTries = async (
  post: () => Promise<PostOutcome>,
  { tries, sleep, signal }: TryOptions,
): Promise<PostOutcome> => {
  for (let made = 1; ; made += 1) {
    const outcome = await post();
    if (made >= tries || signal.aborted || !mayPass(outcome)) return outcome;
    const wait = askedWait(outcome) ?? Math.min(FIRST_WAIT_MS * 2 ** (made - 1), LONGEST_WAIT_MS);
    if (wait > LONGEST_WAIT_MS) return outcome;
    await sleep(wait, signal);
  }
};
