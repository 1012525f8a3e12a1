import type { AnswerOutcome, Load, OpenLoopOptions } from './load.ts';
import { createLoadBook, sumOf } from './load-book.ts';

// Something that is asked again and again, on time however slow the answers are, as by many clients.

const TICK_MS = 5;

/** @param ask the n-th request, from 0; never rejects, for no answer is an outcome too, and has a deadline of its own */
export const startOpenLoop = (
  { rps, phase: first = 'start' }: OpenLoopOptions,
  ask: (request: number) => Promise<AnswerOutcome>,
  now: () => number,
): Load => {
  const book = createLoadBook(first, now);
  const underWay = new Set<Promise<void>>();
  const startedAt = now();
  let sent = 0;
  const send = (): void => {
    const phase = book.current();
    const answer = ask(sent).then((outcome) => book.record(phase, outcome));
    sent += 1;
    underWay.add(answer);
    void answer.finally(() => underWay.delete(answer));
  };
  let stopped = false;
  const sendDue = (): void => {
    const due = Math.floor(((now() - startedAt) / 1000) * rps);
    while (!stopped && sent < due) send();
  };
  // Not in the timer: after a pause of the process it comes before what has been heard meanwhile, such as a new phase.
  const timer = setInterval(() => setImmediate(sendDue), TICK_MS);
  return {
    phase: book.begin,
    counts: book.counts,
    total: () => sumOf(book.counts()),
    failures: book.failures,
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      book.end();
      await Promise.all(underWay);
      return book.counts();
    },
  };
};
