import type { CallAnswer, CallRecord } from '../calls.ts';
import type { Effect } from '../effects.ts';
import { askedAgain, leftUntilAgain } from './asking.ts';
import { askedHook, hookOf, hooksOf, isBehind, questionIntervalOf } from './hook-calls.ts';
import { event, type RunContext } from './move.ts';

// What every look at a run begins with: the answers that have come, and the question whether to roll back, which is asked
// beside everything else.

export interface HooksHeard {
  context: RunContext;
  effects: Effect[];
  /** Milliseconds until something is to be asked again; undefined: nothing is. */
  askAgainMs: number | undefined;
}

const sentence = (type: string): string => `${type.charAt(0).toUpperCase()}${type.slice(1)}`;

/** The Events of Flagger's that tell of an answer; what a refusal does to the run is told by what is done. */
const toldOf = ({ id, state, message = '' }: CallRecord): Effect[] => {
  const { type, name } = hookOf(id) ?? {};
  if (type === undefined || type === 'rollout') return [];
  if (state === 'succeeded')
    return [event(`${sentence(type)} check ${name} passed`, type === 'rollback' ? 'Warning' : 'Normal')];
  return type === 'post-rollout' ? [event(`Post-rollout hook ${name} failed ${message}`, 'Warning')] : [];
};

const answered = (record: CallRecord, { ok, message }: CallAnswer): CallRecord => ({
  ...record,
  state: ok ? 'succeeded' : 'failed',
  message,
});

/** Records of webhooks with the answers that have come, without those of places that the run has left. */
const heard = (context: RunContext): { context: RunContext; told: Effect[] } => {
  const { run, snapshot } = context;
  const known = run.calls ?? [];
  const told: Effect[] = [];
  const calls = known
    .filter(({ id }) => !isBehind(context, id))
    .map((record) => {
      const answer = snapshot.callAnswers.find(
        ({ runId, id, attempt }) => runId === run.id && id === record.id && attempt === record.attempt,
      );
      if (record.state !== 'under-way' || answer === undefined || hookOf(record.id) === undefined)
        return record;
      const next = answered(record, answer);
      told.push(...toldOf(next));
      return next;
    });
  const same = calls.length === known.length && calls.every((record, index) => record === known[index]);
  return same ? { context, told } : { context: { ...context, run: { ...run, calls } }, told };
};

/** Every `rollback` webhook is asked, at its time, whatever the run waits for meanwhile. */
const rollbackQuestions = (given: RunContext): HooksHeard => {
  const intervalMs = questionIntervalOf(given);
  const effects: Effect[] = [];
  let context = given;
  let askAgainMs: number | undefined;
  for (const webhook of hooksOf(given, 'rollback')) {
    const { record, ...next } = askedHook(context, webhook, given.status.phase);
    effects.push(...next.effects);
    context = { ...context, run: next.run };
    if (record.state !== 'failed') continue;
    const counted = record.againAt !== undefined;
    if (!counted) context = { ...context, run: askedAgain(context, record, intervalMs) };
    const left = counted ? leftUntilAgain(record, given.now) : intervalMs;
    askAgainMs = Math.min(left, askAgainMs ?? left);
  }
  return { context, effects, askAgainMs };
};

export const withHooksHeard = (given: RunContext): HooksHeard => {
  const { context, told } = heard(given);
  if (context.run.ending !== undefined) return { context, effects: told, askAgainMs: undefined };
  const questions = rollbackQuestions(context);
  return { ...questions, effects: [...told, ...questions.effects] };
};
