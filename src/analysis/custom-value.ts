import { formatPointer, valueAt } from '../core/json-pointer.ts';
import { quote } from '../core/text.ts';
import type { HttpOutcome } from './http-exchange.ts';
import type { Problem } from './metric-reasons.ts';
import * as reasons from './metric-reasons.ts';
import type { Answer } from './prometheus-answer.ts';
import { problemOf, problemOfStatus } from './server-problem.ts';

// The one value in what a server answered to a custom metric.

/** `empty`: the server knows none; `unavailable`: it can't tell. */
export type OneValue = { kind: 'value'; value: number } | ({ kind: 'empty' | 'unavailable' } & Problem);

const empty = (reason: string, message: string): OneValue => ({ kind: 'empty', reason, message });
export const unavailable = (reason: string, message: string): OneValue => ({
  kind: 'unavailable',
  reason,
  message,
});

/** Of an instant query. */
export const valueOfAnswer = (answer: Answer): OneValue => {
  if (!answer.ok) return unavailable(answer.reason, answer.message);
  const [first, ...others] = answer.series;
  if (first === undefined) return empty(reasons.NO_SAMPLES, 'the query has no result');
  if (others.length > 0) {
    const advice = 'sum() or another aggregation makes it one';
    return empty(reasons.SEVERAL_SERIES, `the query has ${others.length + 1} results: ${advice}`);
  }
  return Number.isFinite(first.value)
    ? { kind: 'value', value: first.value }
    : empty(reasons.NOT_NUMERIC, `the query results in ${first.value}`);
};

const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/** A number, or a text that is one; NaN for all else. */
const numberOf = (found: unknown): number => {
  if (typeof found === 'number') return found;
  return typeof found === 'string' && NUMBER.test(found) ? Number(found) : Number.NaN;
};

const valueInJson = (body: string, pointer: readonly string[]): OneValue => {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return unavailable(reasons.INVALID, 'the answer is not JSON');
  }
  const found = valueAt(document, pointer);
  const place = pointer.length === 0 ? 'the answer' : formatPointer(pointer);
  if (found === undefined) return empty(reasons.NO_VALUE, `the answer has nothing at ${place}`);
  const value = numberOf(found);
  return Number.isFinite(value)
    ? { kind: 'value', value }
    : empty(reasons.NOT_NUMERIC, `${place} is no number: ${quote(JSON.stringify(found))}`);
};

/** Of a GET, at the pointer's place in its JSON. */
export const valueOfDocument = (outcome: HttpOutcome, pointer: readonly string[]): OneValue => {
  if (outcome.kind !== 'answer') return { kind: 'unavailable', ...problemOf(outcome) };
  return outcome.status === 200
    ? valueInJson(outcome.body, pointer)
    : { kind: 'unavailable', ...problemOfStatus(outcome.status) };
};
