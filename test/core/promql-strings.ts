// PromQL as its lexer sees it, as far as strings and comments go: what is one token, and what a string says.

export type Token = { kind: 'string'; says: string } | { kind: 'comment' | 'code'; text: string };

const NAMED: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};
const NUMERIC: readonly [prefix: string, digits: RegExp, base: number][] = [
  ['x', /^[\da-fA-F]{2}/, 16],
  ['u', /^[\da-fA-F]{4}/, 16],
  ['U', /^[\da-fA-F]{8}/, 16],
  ['', /^[0-7]{3}/, 8],
];

/** After the backslash at `at`: what it says, and where the text goes on. */
const escape = (text: string, at: number, quotes: string): [says: string, next: number] => {
  const letter = text[at + 1] ?? '';
  const named = letter === quotes ? quotes : NAMED[letter];
  if (named !== undefined) return [named, at + 2];
  for (const [prefix, digits, base] of NUMERIC) {
    const begin = at + 1 + prefix.length;
    const [found] = digits.exec(text.slice(begin)) ?? [];
    if (text.startsWith(prefix, at + 1) && found !== undefined)
      return [String.fromCodePoint(Number.parseInt(found, base)), begin + found.length];
  }
  throw new Error(`unknown escape at ${at} of ${text}`);
};

const string = (text: string, start: number): [Token, next: number] => {
  const quotes = text[start] ?? '';
  let says = '';
  let at = start + 1;
  while (text[at] !== quotes) {
    const char = text[at];
    if (char === undefined || (char === '\n' && quotes !== '`')) throw new Error(`unterminated: ${text}`);
    if (char === '\\' && quotes !== '`') {
      const [said, next] = escape(text, at, quotes);
      says += said;
      at = next;
    } else {
      says += char;
      at += 1;
    }
  }
  return [{ kind: 'string', says }, at + 1];
};

/** @throws Error for a string that PromQL refuses */
export const tokensOf = (text: string): Token[] => {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/["'`]/.test(text[at] ?? '')) {
      const [token, next] = string(text, at);
      tokens.push(token);
      at = next;
      continue;
    }
    const kind = text[at] === '#' ? 'comment' : 'code';
    const end = kind === 'comment' ? /[\r\n]/ : /["'`#]/;
    const found = text.slice(at).search(end);
    const next = found < 0 ? text.length : at + found;
    tokens.push({ kind, text: text.slice(at, next) });
    at = next;
  }
  return tokens;
};
