import { describe, expect, test } from 'vitest';
import { KubeError } from '../../src/kube/errors.ts';
import { createRetries } from '../../src/scheduler/retries.ts';

const answered = (status: number) => new KubeError({ status, reason: 'Fake', message: 'fake' });

const failing = (status: number, times: number) => {
  const retries = createRetries();
  return Array.from({ length: times }, () => retries.failed('shop/web', answered(status)));
};

describe('a key that failed', () => {
  test.each([409, 422])('because somebody else wrote (%i) is read again soon, without alarm', (status) => {
    expect(failing(status, 1)).toEqual([{ afterMs: 200, outrun: true, tell: false }]);
  });

  test('by a refusal that looks like a failed guard is backed off from when it does not end', () => {
    const last = failing(422, 30).at(-1);
    expect(last).toEqual({ afterMs: 30_000, outrun: false, tell: false });
  });

  test('for another reason waits longer each time, and people are told once', () => {
    const retries = failing(403, 9);
    expect(retries.slice(0, 4).map(({ afterMs }) => afterMs)).toEqual([500, 1_000, 2_000, 4_000]);
    expect(retries.filter(({ tell }) => tell)).toHaveLength(1);
  });

  test('starts anew once it succeeded', () => {
    const retries = createRetries();
    retries.failed('shop/web', answered(500));
    retries.succeeded('shop/web');
    expect(retries.failed('shop/web', answered(500)).afterMs).toBe(500);
  });
});
