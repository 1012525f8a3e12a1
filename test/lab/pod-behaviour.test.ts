import { describe, expect, it } from 'vitest';
import { behaviourOf, failsAt } from '../../lab/pod-behaviour.ts';

describe('the behaviour an image tag asks for', () => {
  const healthy = {
    errorPercent: 0,
    latencyMs: 0,
    startMs: undefined,
    abrupt: false,
    killed: undefined,
    fate: 'serves',
  };
  it.each([
    ['web:v1', { ...healthy, version: 'v1' }],
    ['web', { ...healthy, version: 'latest' }],
    ['registry:5000/shop/web', { ...healthy, version: 'latest' }],
    ['registry:5000/shop/web:v2@sha256:abc', { ...healthy, version: 'v2' }],
    [
      'web:v3-errors10-slow300-start5',
      {
        ...healthy,
        version: 'v3-errors10-slow300-start5',
        errorPercent: 10,
        latencyMs: 300,
        startMs: 5000,
      },
    ],
    ['web:v3-errors0.5', { ...healthy, version: 'v3-errors0.5', errorPercent: 0.5 }],
    ['web:v3-oom4', { ...healthy, version: 'v3-oom4', killed: { everyMs: 4000, outOfMemory: true } }],
    [
      'web:v3-restart4',
      { ...healthy, version: 'v3-restart4', killed: { everyMs: 4000, outOfMemory: false } },
    ],
    ['web:v3-abrupt', { ...healthy, version: 'v3-abrupt', abrupt: true }],
    ['web:v3-crash', { ...healthy, version: 'v3-crash', fate: 'crashes' }],
    ['web:v3-neverready', { ...healthy, version: 'v3-neverready', fate: 'never-ready' }],
    ['web:v3-pullfail', { ...healthy, version: 'v3-pullfail', fate: 'pull-fails' }],
  ])('%s', (image, expected) => {
    expect(behaviourOf(image)).toEqual(expected);
  });

  it.each([0, 1, 10, 33, 100])(
    'a share of %i percent fails exactly that many of a hundred requests',
    (percent) => {
      const requests = Array.from({ length: 100 }, (_, index) => index + 1);
      expect(requests.filter((request) => failsAt(request, percent))).toHaveLength(percent);
    },
  );
});
