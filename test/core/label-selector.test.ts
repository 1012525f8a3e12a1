import { expect, it } from 'vitest';
import { selects } from '../../src/core/label-selector.ts';
import type { LabelSelector, StringMap } from '../../src/core/objects.ts';

const labels = { app: 'web', tier: 'front' };
const where = (key: string, operator: string, ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
});

it.each<[string, LabelSelector, StringMap, boolean]>([
  ['equal labels', { matchLabels: { app: 'web' } }, labels, true],
  ['another value', { matchLabels: { app: 'api' } }, labels, false],
  ['a label that is missing', { matchLabels: { app: 'web', track: 'x' } }, labels, false],
  ['one of several values', where('tier', 'In', 'back', 'front'), labels, true],
  ['none of several values', where('tier', 'In', 'back'), labels, false],
  ['a value that is excluded', where('tier', 'NotIn', 'front'), labels, false],
  ['a missing label, of which values are excluded', where('track', 'NotIn', 'x'), labels, true],
  ['a label that is there', where('tier', 'Exists'), labels, true],
  ['a label that is not, but should be', where('track', 'Exists'), labels, false],
  ['a label that should not be there', where('tier', 'DoesNotExist'), labels, false],
  ['a label that is not, and should not be', where('track', 'DoesNotExist'), labels, true],
  [
    'both kinds of requirements',
    { matchLabels: { app: 'web' }, ...where('tier', 'In', 'back') },
    labels,
    false,
  ],
  ['no requirement at all', {}, labels, false],
])('a selector with %s', (_what, selector, of, expected) => {
  expect(selects(selector, of)).toBe(expected);
});
