import { describe, expect, it } from 'vitest';
import { failedCondition, isOwnCondition, mergeCondition, REASONS } from '../../src/core/conditions.ts';
import type { Condition } from '../../src/core/objects.ts';
import { deployment, healthy } from './deployment-fixtures.ts';

const EARLIER = '2026-11-21T02:00:00Z';
const NOW = '2026-11-21T03:00:00Z';
const ready: Condition = { type: 'Ready', status: 'True', reason: 'Promoted', lastTransitionTime: EARLIER };
const stalled: Condition = { type: 'Stalled', status: 'False', lastTransitionTime: EARLIER };

describe('merging a condition', () => {
  it('keeps the transition time while the status stays, though the words change', () => {
    const merged = mergeCondition([stalled, ready], { type: 'Ready', status: 'True', message: 'new' }, NOW);
    expect(merged).toEqual([
      stalled,
      { type: 'Ready', status: 'True', message: 'new', lastTransitionTime: EARLIER },
    ]);
  });

  it('moves it with the status', () => {
    expect(mergeCondition([ready], { type: 'Ready', status: 'False' }, NOW)[0]?.lastTransitionTime).toBe(NOW);
  });

  it('appends a type that was not there', () => {
    const merged = mergeCondition([stalled], { type: 'Ready', status: 'True' }, NOW);
    expect(merged).toEqual([stalled, { type: 'Ready', status: 'True', lastTransitionTime: NOW }]);
  });
});

describe('the failed condition of a Deployment', () => {
  const withCondition = (condition: Partial<Condition>) =>
    deployment({
      status: {
        ...healthy,
        conditions: [
          { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', ...condition },
        ],
      },
    });

  it.each<[string, Partial<Condition>, boolean]>([
    ['is one that missed its deadline', {}, true],
    ['is none of another reason', { reason: 'FailedCreate' }, false],
    ['is none that still progresses', { status: 'True' }, false],
    ['is none of another type', { type: 'Available' }, false],
  ])('%s', (_sentence, condition, found) => {
    expect(failedCondition(withCondition(condition)) !== undefined).toBe(found);
  });

  it("is Kanari's own by the beginning of its message", () => {
    const own = (message?: string) =>
      isOwnCondition({ type: 'Progressing', status: 'False', ...(message && { message }) });
    expect([own('kanari: rolled back'), own('timed out, kanari: no'), own()]).toEqual([true, false, false]);
  });
});

it('every reason is one word with one line of meaning', () => {
  for (const [reason, meaning] of Object.entries(REASONS)) {
    expect(reason).toMatch(/^([A-Z][a-z]+)+$/);
    expect(meaning).toMatch(/^\S.{5,110}$/);
  }
});
