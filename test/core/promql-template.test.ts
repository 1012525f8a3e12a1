import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePromql } from '../../src/core/promql-template.ts';
import { filledBy } from './filled-query.ts';
import { type Token, tokensOf } from './promql-strings.ts';

const filled = filledBy(parsePromql);

describe('a PromQL query', () => {
  it("with Flagger's variables and Kanari's is written out", () => {
    const text =
      'sum(rate(errors{namespace="{{ namespace }}",workload="{{target}}"}[{{ interval }}])) by (le) # of {{ name }}';
    expect(filled(text)).toBe(
      'sum(rate(errors{namespace="shop",workload="web-canary"}[1m30s])) by (le) # of web',
    );
    expect(filled('{{interval}}')).toBe('1m30s');
    expect(filled('a{b="{{ primary }} {{ canary }}"}')).toBe('a{b="web web-canary"}');
    expect(filled('vector(1)')).toBe('vector(1)');
  });

  it.each([
    ['a name with a dot in a pattern', 'a{b=~"{{ canary }}-.*"}', 'a{b=~"v1\\\\.web-.*"}'],
    ['the same in raw quotes', 'a{b!~ `{{ canary }}`}', 'a{b!~ `v1\\.web`}'],
    ['the same where the text counts', 'a{b=~"x",c="{{ canary }}"}', 'a{b=~"x",c="v1.web"}'],
    ['an apostrophe in a comment', "a # don't\n{b='{{ canary }}'}", "a # don't\n{b='v1.web'}"],
    ['quotes in quotes', `a{b="'{{ canary }}\\""}`, `a{b="'v1.web\\""}`],
  ])('with %s', (_, text, query) => {
    expect(filled(text, { canary: 'v1.web' })).toBe(query);
  });

  it.each([
    ['{{ who }}', 'expected one of name, namespace, target, canary, primary, interval, got {{ who }} (exa'],
    ['a{b="{{ }}"}', 'got {{  }} (example: {{ canary }})'],
    ['a{b="{{ constructor }}"}', 'got {{ constructor }}'],
    ['a{b="{{ canary"}', 'expected a variable and }} after {{, got {{ canary"} (example: {{ canary }})'],
    ['a{b="{{ canary }"}', 'expected a variable and }} after {{'],
    [
      '{{ canary }}_errors',
      'expected {{ canary }} inside quotes, got {{ canary }} outside of them (example: up{pod=~"{{ canary }}-.*"})',
    ],
    ["a # don't {{ name }}\n* {{ name }}", 'expected {{ name }} inside quotes'],
    ['a{b="{{ canary }}', 'expected a closing ", got a{b="{{ canary }}'],
    ['a{b="c\n{{ canary }}"}', 'expected a closing " in the same line'],
    [
      'a{b="\\{{ canary }}"}',
      "expected one of PromQL's escapes after \\, and before a variable none, got \\",
    ],
    ['a{b="\\x4{{ canary }}"}', "expected one of PromQL's escapes"],
    ['a{b="\\d"}', 'got \\d"} (example: "a\\\\.b")'],
  ])('%j is refused in words', (text, words) => {
    expect(filled(text)).toContain(`problem: `);
    expect(filled(text)).toContain(words);
  });

  it.each([
    ['[{{ interval }}]', { interval: '1m]) or up[1m' }],
    ['[{{ interval }}]', { interval: '' }],
    ['a{b=`{{ canary }}`}', { canary: 'x`} or up{b=`' }],
    ['a # {{ name }}', { name: 'x\n or up' }],
  ])('%j is not asked with a value that can not stand there', (text, values) => {
    expect(filled(text, values)).toMatch(/^refused: \{\{ \w+ \}\} can not be/);
  });
});

const PIECES = ['a', '.*', ' ', '{1,2}', 'é', '#', '\\\\', '\\n', '\\u00e9', '\\x41', '\\101', "'", '"', '`'];
const SLOTS = ['canary', 'namespace'] as const;

interface Text {
  /** As it is written between the quotes. */
  text: string;
  says: string;
}
type Part = Text | { slot: (typeof SLOTS)[number] };
interface Matcher {
  operator: string;
  quotes: string;
  parts: Part[];
}

const textIn = (quotes: string): fc.Arbitrary<Part> =>
  fc
    .constantFrom(...PIECES.filter((text) => (quotes === '`' ? !/[\\`]/.test(text) : text !== quotes)))
    .map((text) => ({ text, says: (tokensOf(quotes + text + quotes)[0] as { says: string }).says }));

const matcher: fc.Arbitrary<Matcher> = fc.constantFrom('"', "'", '`').chain((quotes) =>
  fc.record({
    operator: fc.constantFrom('=', '=~', '!~ ', '!='),
    quotes: fc.constant(quotes),
    parts: fc.array(fc.oneof(textIn(quotes), fc.constantFrom(...SLOTS.map((slot) => ({ slot })))), {
      maxLength: 6,
    }),
  }),
);

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...'\\"\'`{}$#\n\r. a') }),
);

type Hostile = Record<(typeof SLOTS)[number], string>;

const written = ({ operator, quotes, parts }: Matcher): string =>
  `a${operator}${quotes}${parts.map((part) => ('text' in part ? part.text : `{{ ${part.slot} }}`)).join('')}${quotes}`;

const said = ({ operator, parts }: Matcher, values: Hostile): string =>
  parts
    .map((part) => {
      if ('text' in part) return part.says;
      const value = values[part.slot].replace(/\p{Surrogate}/gu, '\uFFFD');
      return operator.includes('~') ? value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&') : value;
    })
    .join('');

const fitsIn = ({ quotes, parts }: Matcher, values: Hostile): boolean =>
  quotes !== '`' || parts.every((part) => 'text' in part || !values[part.slot].includes('`'));

describe('whatever the values are', () => {
  it('strings keep their ends and say the value, and all around them stays', () => {
    const matchers = fc.array(matcher, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(matchers, fc.record({ canary: hostile, namespace: hostile }), (strings, values) => {
        const query = filled(strings.map(written).join(','), values);
        if (!strings.every((each) => fitsIn(each, values))) {
          expect(query).toMatch(/^refused/);
          return;
        }
        const expected = strings.flatMap((each, index): Token[] => [
          { kind: 'code', text: `${index > 0 ? ',' : ''}a${each.operator}` },
          { kind: 'string', says: said(each, values) },
        ]);
        expect(tokensOf(query)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('code takes a duration and nothing else', () => {
    const text = fc.oneof(hostile, fc.stringMatching(/^\d{1,2}(ms|s|x)?$/));
    fc.assert(
      fc.property(text, (interval) => {
        const query = filled('rate(a{b="c"}[{{ interval }}])', { interval });
        if (/^\d+m?s$/.test(interval)) expect(query).toBe(`rate(a{b="c"}[${interval}])`);
        else expect(query).toMatch(/^refused/);
      }),
    );
  });
});
