import { formatDuration, parseDuration } from './duration.ts';
import type { LatencyObjective } from './release-settings.ts';

// The grammars of annotation values. A reader never throws and takes time linear in its text, whatever the text.

export type Reading<T> =
  | { ok: true; value: T }
  /** `expected` in words; `index` and `got` point into a list when one entry is to blame. */
  | { ok: false; expected: string; index?: number; got?: string };

export type Reader<T> = (text: string) => Reading<T>;

const good = <T>(value: T): Reading<T> => ({ ok: true, value });
const bad = (expected: string): { ok: false; expected: string } => ({ ok: false, expected });

export const wholeNumber =
  (least: number, most: number): Reader<number> =>
  (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? good(value) : bad(`${least}–${most}`);
  };

/** A percentage with or without decimals and `%`: "99", "99.95", "99.95%". */
export const percentage: Reader<number> = (text) => {
  const number = /^(\d{1,3}(?:\.\d{1,6})?)\s?%?$/.exec(text)?.[1];
  return number !== undefined && Number(number) <= 100 ? good(Number(number)) : bad('a percentage, 0–100');
};

/** Bounds in milliseconds. */
export const duration =
  (least: number, most: number): Reader<number> =>
  (text) => {
    const value = parseDuration(text);
    return value !== undefined && value >= least && value <= most
      ? good(value)
      : bad(`a duration from ${formatDuration(least)} to ${formatDuration(most)}`);
  };

export const oneOf =
  <const T extends string>(...words: readonly T[]): Reader<T> =>
  (text) => {
    const word = words.find((candidate) => candidate === text);
    return word === undefined ? bad(words.join(', ').replace(/, ([^,]*)$/, ' or $1')) : good(word);
  };

export const yesOrNo: Reader<boolean> = (text) =>
  text === 'true' || text === 'false' ? good(text === 'true') : bad('true or false');

export const anyText: Reader<string> = good;

/** `reader`, or the one word that stands for something else. */
export const orWord =
  <T, const W extends string>(reader: Reader<T>, word: W): Reader<T | W> =>
  (text) => {
    if (text === word) return good(word);
    const reading = reader(text);
    return reading.ok ? reading : { ...reading, expected: `${reading.expected}, or ${word}` };
  };

/** Entries divided by commas, at least one; blanks around them do not count. */
export const listOf =
  <T>(reader: Reader<T>): Reader<T[]> =>
  (text) => {
    const values: T[] = [];
    for (const [index, entry] of text.split(',').entries()) {
      const reading = reader(entry.trim());
      if (!reading.ok) return { ...reading, index, got: entry.trim() };
      values.push(reading.value);
    }
    return good(values);
  };

/** Canary weights: whole percentages, each higher than the one before. */
export const weights: Reader<number[]> = (text) => {
  const reading = listOf(wholeNumber(1, 100))(text);
  if (!reading.ok) return reading;
  const index = reading.value.findIndex((weight, at) => at > 0 && weight <= (reading.value[at - 1] ?? 0));
  if (index < 0) return reading;
  return { ok: false, expected: 'more than the step before', index, got: String(reading.value[index]) };
};

const LATENCY = /^p(\d{1,2}(?:\.\d{1,3})?)\s?<=?\s?(\S{1,40})$/;
const LONGEST_LATENCY_MS = 3_600_000;

/** `p99<500ms`: a quantile and its limit. */
export const latencyObjective: Reader<LatencyObjective> = (text) => {
  const [, percent = '', limit = ''] = LATENCY.exec(text) ?? [];
  const quantile = Number((Number(percent) / 100).toFixed(6));
  const limitMs = parseDuration(limit) ?? 0;
  return quantile > 0 && quantile < 1 && limitMs > 0 && limitMs <= LONGEST_LATENCY_MS
    ? good({ quantile, limitMs })
    : bad('a quantile and its limit');
};

/** Name of a Service or of another object in the namespace. */
export const objectName: Reader<string> = (text) =>
  text.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text)
    ? good(text)
    : bad('the name of an object');
