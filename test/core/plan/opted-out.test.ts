import { expect, test } from 'vitest';
import { failed, opened } from './run-beginnings.ts';

// What a Canary promises is true also of a Deployment that is opted out.

test('a Deployment that is opted out is promised no canary, until it is in again', () => {
  const cluster = opened();
  const promise = {
    phase: 'Initialized',
    reason: 'Initialized',
    message: expect.stringContaining('a canary'),
  };
  expect(cluster.canary?.status).toMatchObject(promise);
  cluster.optedIn = false;
  cluster.runToEnd({ seconds: 10 });
  expect(cluster.canary?.status).toMatchObject({
    phase: 'Initialized',
    reason: 'OptedOut',
    message: 'opted out: a change of the pod template goes out without a canary',
  });
  const told = cluster.canary?.status;
  cluster.runToEnd({ seconds: 10 });
  expect(cluster.canary?.status).toEqual(told);
  cluster.optedIn = true;
  cluster.runToEnd({ seconds: 10 });
  expect(cluster.canary?.status).toMatchObject(promise);
});

test('what was told of the last run stays when the Deployment is opted out', () => {
  const cluster = failed();
  cluster.hold('v1');
  cluster.runToEnd({ seconds: 10 });
  const { reason, message } = cluster.canary?.status ?? {};
  expect(reason).toBe('RevertedToPrimary');
  cluster.optedIn = false;
  cluster.runToEnd({ seconds: 10 });
  expect(cluster.canary?.status).toMatchObject({ reason, message });
});
