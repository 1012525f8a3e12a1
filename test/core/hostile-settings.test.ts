import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideAdmission } from '../../src/core/admission.ts';
import type { StringMap } from '../../src/core/objects.ts';
import { parseSettings } from '../../src/core/settings.ts';
import { deployment, namespace, request, template } from './deployment-fixtures.ts';

// Annotations are anybody's text. Whatever they say, admission answers, and lets unrelated changes be.

const SETTINGS = [
  ...[
    'steps',
    'step-weight',
    'max-weight',
    'interval',
    'threshold',
    'success-rate',
    'latency',
    'min-requests',
  ],
  ...[
    'on-no-data',
    'on-failure',
    'progress-deadline',
    'iterations',
    'approve',
    'traffic',
    'propagation-wait',
  ],
  ...['service', 'sidecar', 'skip', 'canary-restarts', 'on-busy', 'policy'],
];
const MARKS = ['run', 'primary', 'weight', 'held-by', 'split', 'command'];
const KIB_256 = 262_144;

const names = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...SETTINGS, ...MARKS) },
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'stpes',
    'rollouts',
    '',
  ),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constant('x'.repeat(KIB_256)),
);

/** What a grammar with ambiguous repetition would need exponential or quadratic time to refuse. */
const SHAPES = [
  '1',
  '1.1',
  '1h',
  '1,',
  '9',
  ' ',
  '-a',
  'a.',
  'p9',
  '<',
  '10,',
  '1m',
  '%',
  'a',
  '٣',
  '𝟙',
  '1e',
  '\u0000',
];
const repeated = fc
  .tuple(
    fc.constantFrom(...SHAPES),
    fc.constantFrom(3, 400, 1_999),
    fc.constantFrom('', '!', 'h', '%', '<1s', '\ud800'),
  )
  .map(([shape, times, tail]) => shape.repeat(times).slice(0, 1_999) + tail);
const huge = fc.constantFrom(...SHAPES).map((shape) => shape.repeat(KIB_256 / shape.length));
const awkward = fc.constantFrom(
  ...['NaN', 'Infinity', '-Infinity', '-1', '-0', '1e9', '0x10', '1e400', '100.0000001', '9007199254740993'],
  ...['10,,20', ',', '10,20,', '\u0000', '𝟙𝟘', '٣٠', '１０', '\ud800', 'a\u202eb', '\u001b[31m10', '10\n20'],
  ...['p99<1e9h', 'p100<1s', 'p0<0s', '<', '999999999999h', '{"__proto__":1}', '__proto__', 'null', 'true '],
);

const contents = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 120 }) },
  { weight: 2, arbitrary: fc.string({ unit: fc.constantFrom(...'0123456789.,%pmsh<= -'), maxLength: 30 }) },
  { weight: 2, arbitrary: repeated },
  { weight: 2, arbitrary: awkward },
  huge,
);

const annotations: fc.Arbitrary<StringMap> = fc
  .array(fc.tuple(names, contents), { maxLength: 4 })
  // Not a literal: `__proto__` must become a key like any other, as it does in parsed JSON.
  .map((entries) => Object.fromEntries(entries.map(([name, text]) => [`kanari.dev/${name}`, text])));

const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Cf}]/u;
const UNREAD = /expected at most 2000 characters/;

const expectReadable = (messages: readonly string[]): void => {
  for (const message of messages) expect(message).not.toMatch(UNPRINTABLE);
};

const serving = (own: StringMap) => deployment({ annotations: own });

describe('whatever the annotations say', () => {
  it('an unrelated change is never denied, and nothing throws', () => {
    fc.assert(
      fc.property(annotations, annotations, fc.boolean(), (own, spaces, changes) => {
        const oldObject = serving(own);
        const spec = changes ? { ...oldObject.spec, template: template('web:v2') } : oldObject.spec;
        const object = { ...oldObject, spec, metadata: { ...oldObject.metadata, labels: { team: 'a' } } };
        const answer = decideAdmission(request({ oldObject, object, namespace: namespace({}, spaces) }));
        expect(answer.verdict).toBe('allow');
        expect(answer.warnings.length).toBeLessThanOrEqual(11);
        expect(answer.warnings.every((warning) => warning.length <= 256)).toBe(true);
        expectReadable(answer.warnings);
      }),
      { numRuns: 10_000 },
    );
  });

  it('a request that sets them is answered in words that a terminal can show', () => {
    fc.assert(
      fc.property(annotations, (own) => {
        const answer = decideAdmission(request({ object: serving(own) }));
        if (answer.verdict === 'allow') return;
        expect(answer.reason).toBe('InvalidSetting');
        expect(answer.message.length).toBeLessThan(1_000);
        expectReadable([answer.message, ...answer.warnings]);
      }),
      { numRuns: 5_000 },
    );
  });

  it('the settings are complete and in their bounds', () => {
    fc.assert(
      fc.property(annotations, annotations, (own, spaces) => {
        const { settings } = parseSettings({ deployment: own, namespace: spaces });
        const { steps, intervalMs, threshold, successRate, latency } = settings;
        expect(steps.length).toBeGreaterThan(0);
        expect(steps.every((step, at) => step > (steps[at - 1] ?? 0) && step <= 100)).toBe(true);
        expect(intervalMs).toBeGreaterThanOrEqual(5_000);
        expect(threshold).toBeGreaterThanOrEqual(1);
        if (successRate !== 'off') expect(successRate >= 0 && successRate <= 100).toBe(true);
        if (latency !== 'off') expect(latency.quantile > 0 && latency.limitMs > 0).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('the work is bounded, however much there is to read', () => {
  it.each(SETTINGS.filter((name) => name !== 'skip'))('a long value of %s is refused unread', (name) => {
    for (const shape of SHAPES) {
      const own = { [`kanari.dev/${name}`]: shape.repeat(KIB_256 / shape.length) };
      const answer = decideAdmission(request({ object: serving(own) }));
      expect(answer).toMatchObject({ verdict: 'deny', message: expect.stringMatching(UNREAD) as string });
    }
  });

  it('only the first of thousands of misspelt names are looked up', () => {
    const own = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`kanari.dev/step${at}`, 'x']));
    const { warnings } = parseSettings({ deployment: own, namespace: {} });
    expect(warnings).toHaveLength(5_000);
    expect(warnings.filter((warning) => warning.includes('did you mean'))).toHaveLength(10);
    const answer = decideAdmission(request({ object: serving(own) }));
    expect(answer.warnings.at(-1)).toBe('kanari: 4990 more warnings of this kind');
  });
});
