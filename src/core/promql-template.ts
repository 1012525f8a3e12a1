import {
  type ParsedTemplate,
  type Place,
  problem,
  type Slot,
  splitQuery,
  type TemplateProblem,
  type Variable,
} from './query-template.ts';

// PromQL with variables, read just far enough to know where its strings begin and end.

/** How far the text is read. */
interface Reading {
  ok: true;
  place: Exclude<Place, 'url'>;
  /** The last of the code before this string or comment: a matcher's operator says what the string is. */
  before: string;
}

const NUMERIC_ESCAPE = String.raw`x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3}`;
const quoted = (quotes: string): RegExp =>
  new RegExp(String.raw`${quotes}|\\(?:[abfnrtv\\${quotes}]|${NUMERIC_ESCAPE})|[^\\\n${quotes}]+`, 'y');

/** What may come next in each place. Of code and comments all may, so that only a string can go wrong. */
const TOKENS: Readonly<Record<Reading['place'], RegExp>> = {
  code: /["'`#]|[^"'`#]+/y,
  comment: /[\r\n]|[^\r\n]+/y,
  '"': quoted('"'),
  "'": quoted("'"),
  '`': /`|[^`]+/y,
};

const isQuotes = (token: string): token is '"' | "'" | '`' => token === '"' || token === "'" || token === '`';

const after = (reading: Reading, token: string): Reading => {
  const { place, before } = reading;
  if (place === 'comment') return /^[\r\n]/.test(token) ? { ...reading, place: 'code' } : reading;
  if (place !== 'code') return token === place ? { ok: true, place: 'code', before: token } : reading;
  if (token === '#') return { ...reading, place: 'comment' };
  if (isQuotes(token)) return { ...reading, place: token };
  return { ...reading, before: token.trim() === '' ? before : token.trimEnd() };
};

const EXAMPLE = 'up{pod=~"{{ canary }}-.*"}';

/** Reads on to the end of `text`. A string's escape must be whole in it: a value may not become part of one. */
const read = (start: Reading, text: string): Reading | TemplateProblem => {
  let reading = start;
  let index = 0;
  while (index < text.length) {
    const token = TOKENS[reading.place];
    token.lastIndex = index;
    const [found] = token.exec(text) ?? [];
    if (found === undefined) {
      const rest = text.slice(index);
      return rest.startsWith('\n')
        ? problem(`a closing ${reading.place} in the same line`, text.slice(0, index), EXAMPLE)
        : problem("one of PromQL's escapes after \\, and before a variable none", rest, '"a\\\\.b"');
    }
    reading = after(reading, found);
    index += found.length;
  }
  return reading;
};

const slotIn = ({ place, before }: Reading, variable: Variable): Slot | TemplateProblem => {
  if (place === 'code' && variable !== 'interval')
    return problem(`{{ ${variable} }} inside quotes`, `{{ ${variable} }} outside of them`, EXAMPLE);
  return isQuotes(place) && /[=!]~$/.test(before)
    ? { variable, place, isPattern: true }
    : { variable, place };
};

/** A PromQL query whose variables stand where their values can't mean more than themselves. */
export const parsePromql = (text: string): ParsedTemplate => {
  const split = splitQuery(text);
  if (!split.ok) return split;
  const template: (string | Slot)[] = [];
  let reading: Reading = { ok: true, place: 'code', before: '' };
  for (const [index, piece] of split.texts.entries()) {
    const next = read(reading, piece);
    if (!next.ok) return next;
    reading = next;
    template.push(piece);
    const variable = split.variables[index];
    if (variable === undefined) break;
    const slot = slotIn(reading, variable);
    if ('ok' in slot) return slot;
    template.push(slot);
  }
  return isQuotes(reading.place)
    ? problem(`a closing ${reading.place}`, text, EXAMPLE)
    : { ok: true, template };
};
