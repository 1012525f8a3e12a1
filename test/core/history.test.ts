import { expect, test } from 'vitest';
import { newEntries } from '../../src/core/history.ts';
import type { CanaryStatus, HistoryEntry, Outcome } from '../../src/core/run.ts';

const entry = (outcome: Outcome, revision: string): HistoryEntry => ({
  revision,
  images: [],
  started: '2026-11-21T02:00:00Z',
  ended: '2026-11-21T02:10:00Z',
  outcome,
  reason: 'r',
});

const statusWith = (...history: HistoryEntry[]): CanaryStatus => ({ history }) as unknown as CanaryStatus;

const FIRST = entry('Promoted', '1-a');
const SECOND = entry('RolledBack', '1-b');

test.each<[string, CanaryStatus | undefined, CanaryStatus, Outcome[]]>([
  ['counts nothing while nothing ends', statusWith(FIRST), statusWith(FIRST), []],
  ['counts the first run', statusWith(), statusWith(FIRST), ['Promoted']],
  ['counts a run that ended since', statusWith(FIRST), statusWith(SECOND, FIRST), ['RolledBack']],
  ['counts nothing twice when the oldest entry falls out', statusWith(SECOND, FIRST), statusWith(SECOND), []],
  ['counts without a status before', undefined, statusWith(FIRST), ['Promoted']],
])('%s', (_, before, after, expected) => {
  expect(newEntries(before, after).map(({ outcome }) => outcome)).toEqual(expected);
});
