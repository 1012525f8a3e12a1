import { quote } from './text.ts';

// Queries with slots for what differs from run to run. Whatever a value is, it means no more than itself there.

export const VARIABLES = ['name', 'namespace', 'target', 'canary', 'primary', 'interval'] as const;
export type Variable = (typeof VARIABLES)[number];

/** What each variable stands for in one run; `interval` as `1m30s`. */
export type Values = Readonly<Record<Variable, string>>;

/** Where a value is written: into a string of PromQL, by its quotes, its code or a comment; or into a path and query. */
export type Place = '"' | "'" | '`' | 'code' | 'comment' | 'url';

export interface Slot {
  variable: Variable;
  place: Place;
  /** The string is a regular expression. */
  isPattern?: boolean;
}

/** Text and slots, in order. */
export type QueryTemplate = readonly (string | Slot)[];

/** In words for people: `expected …, got … (example: …)`. */
export interface TemplateProblem {
  ok: false;
  message: string;
}

export type ParsedTemplate = { ok: true; template: QueryTemplate } | TemplateProblem;

/** Text around slots: one piece more than there are variables. */
export interface SplitQuery {
  ok: true;
  texts: string[];
  variables: Variable[];
}

export const problem = (expected: string, got: string, example: string): TemplateProblem => ({
  ok: false,
  message: `expected ${expected}, got ${quote(got)} (example: ${example})`,
});

const EXAMPLE = '{{ canary }}';

const isVariable = (name: string): name is Variable => VARIABLES.some((variable) => variable === name);

/** Divides a query at its `{{ variable }}`s. */
export const splitQuery = (text: string): SplitQuery | TemplateProblem => {
  // With a capturing group, `split` gives texts and names in turn.
  const parts = text.split(/\{\{([^{}]*)\}\}/);
  const texts = parts.filter((_, index) => index % 2 === 0);
  const names = parts.filter((_, index) => index % 2 === 1).map((name) => name.trim());
  const unknown = names.find((name) => !isVariable(name));
  if (unknown !== undefined) return problem(`one of ${VARIABLES.join(', ')}`, `{{ ${unknown} }}`, EXAMPLE);
  const unclosed = texts.map((piece) => /\{\{.*/s.exec(piece)?.[0]).find((found) => found !== undefined);
  if (unclosed !== undefined) return problem('a variable and }} after {{', unclosed, EXAMPLE);
  return { ok: true, texts, variables: names.filter(isVariable) };
};

/** `value` as a regular expression of RE2 that fits nothing else. */
const asPattern = (value: string): string => value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** JSON's escapes are PromQL's, but that each kind of quotes escapes itself alone. */
const escaped = (value: string, quotes: '"' | "'"): string => {
  const json = JSON.stringify(value).slice(1, -1);
  return quotes === '"'
    ? json
    : json.replace(/\\./g, (escape) => (escape === '\\"' ? '"' : escape)).replaceAll("'", "\\'");
};

const DURATION = /^(?:\d+(?:h|ms|m|s))+$/;

/** Undefined: it can't stand there. */
const written = ({ place, isPattern = false }: Slot, raw: string): string | undefined => {
  // Half a pair of surrogates is in no encoding.
  const plain = raw.replace(/\p{Surrogate}/gu, '\uFFFD');
  const value = isPattern ? asPattern(plain) : plain;
  switch (place) {
    case '"':
    case "'":
      return escaped(value, place);
    case '`':
      return value.includes('`') ? undefined : value;
    case 'comment':
      return /[\r\n]/.test(value) ? undefined : value;
    case 'code':
      return DURATION.test(value) ? value : undefined;
    case 'url':
      return encodeURIComponent(value);
  }
};

/** Between segments, for some servers also in percent. */
const SLASH = /\/|%2f|%5c/i;

/** `.` and `..`, also in percent or with parameters: whoever asks for the address, or answers, takes them for a way up. */
const DOT_SEGMENT = /^(?:\.|%2e){1,2}(?:(?:;|%3b).*)?$/i;

/** No segment of the path leads out of it. */
export const staysBelow = (pathAndQuery: string): boolean =>
  !(pathAndQuery.split('?')[0] ?? '').split(SLASH).some((segment) => DOT_SEGMENT.test(segment));

const isPath = (template: QueryTemplate): boolean =>
  template.some((piece) => typeof piece !== 'string' && piece.place === 'url');

/** The query of one run. */
export const fillQuery = (
  template: QueryTemplate,
  values: Values,
): { ok: true; query: string } | TemplateProblem => {
  let query = '';
  for (const piece of template) {
    const text = typeof piece === 'string' ? piece : written(piece, values[piece.variable]);
    if (typeof piece !== 'string' && text === undefined) {
      const { variable } = piece;
      return {
        ok: false,
        message: `{{ ${variable} }} can not be ${quote(values[variable])} where it stands`,
      };
    }
    query += text;
  }
  return !isPath(template) || staysBelow(query)
    ? { ok: true, query }
    : { ok: false, message: `the path ${quote(query)} leads out of itself` };
};
