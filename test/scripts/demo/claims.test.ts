import { describe, expect, it } from 'vitest';
import type { Failure } from '../../../lab/load.ts';
import { judgeClaims, type Seen } from '../../../scripts/demo/claims.ts';
import { claimLines } from '../../../scripts/demo/summary.ts';

const VERSIONS = { good: 'v2', bad: 'v3', badShare: 20 };

const failure = (over: Partial<Failure>): Failure => ({
  at: 0,
  port: 0,
  phase: 'v3',
  status: 500,
  version: 'v3',
  pod: 'web-canary-1',
  error: undefined,
  durationMs: 2,
  ...over,
});

const SEEN: Seen = {
  adoption: { before: ['a', 'b'], after: ['a', 'b'] },
  good: { phase: 'Succeeded', message: 'promoted', rolloutStatusCode: 0, images: ['web:v2', 'web:v2'] },
  bad: { phase: 'Failed', message: 'outage', rolloutStatusCode: 1, images: ['web:v2', 'web:v2'] },
  reapplied: { before: ['c', 'd'], after: ['c', 'd'], rolloutStatusCode: 0 },
  failures: [failure({})],
  failed: 1,
  badPhase: {
    phase: 'v3',
    seconds: 10,
    requests: 1000,
    failures: 1,
    versions: { v2: { requests: 900, failures: 0 }, v3: { requests: 100, failures: 1 } },
  },
};

const broken = (over: Partial<Seen>) =>
  judgeClaims({ ...SEEN, ...over }, VERSIONS).filter(({ holds }) => !holds);

describe('what the demonstration claims', () => {
  it('holds when everything went as told', () => {
    expect(broken({})).toEqual([]);
  });

  it.each<[string, Partial<Seen>, RegExp, RegExp]>([
    [
      'a pod restarted at opt-in',
      { adoption: { before: ['a'], after: ['x'] } },
      /Opting in/,
      /before: a; after: x/,
    ],
    ['no pod was seen at all', { adoption: { before: [], after: [] } }, /Opting in/, /before/],
    [
      'v2 was not promoted',
      { good: { ...SEEN.good, phase: 'Failed', message: 'too slow' } },
      /v2 was promoted/,
      /Failed: too slow/,
    ],
    [
      'a pod still runs v1',
      { good: { ...SEEN.good, images: ['web:v1', 'web:v2'] } },
      /v2 was promoted/,
      /web:v1/,
    ],
    ['v3 was promoted', { bad: { ...SEEN.bad, phase: 'Succeeded' } }, /v3 was rolled back/, /says Succeeded/],
    [
      'rollout status of v3 succeeded',
      { bad: { ...SEEN.bad, rolloutStatusCode: 0 } },
      /v3 was rolled back/,
      /exited with 0/,
    ],
    [
      'a pod restarted when v2 was applied again',
      { reapplied: { ...SEEN.reapplied, after: ['c'] } },
      /again restarted no pod/,
      /after: c/,
    ],
    [
      'the proxy itself answered 503',
      { failures: [failure({ status: 503, version: undefined, pod: undefined })] },
      /No request failed/,
      /503 from no pod/,
    ],
    [
      'v3 did not answer at all',
      { failures: [failure({ status: undefined, error: 'socket hang up' })] },
      /No request failed/,
      /no answer .*socket hang up/,
    ],
    ['v2 answered 500', { failures: [failure({ version: 'v2' })] }, /No request failed/, /500/],
    ['more failed than is known about', { failed: 2 }, /No request failed/, /1 more failures/],
    [
      'v3 had more than its share',
      { badPhase: { ...SEEN.badPhase!, requests: 400 } },
      /never had more/,
      /100 of 400/,
    ],
    ['v3 was never asked', { badPhase: undefined }, /never had more/, /0 of 0/],
  ])('is broken, and says how, when %s', (_, over, text, detail) => {
    const claims = broken(over);
    expect(claims).toHaveLength(1);
    expect(claims[0]?.text).toMatch(text);
    expect(claimLines(claims)).toMatch(detail);
    expect(claimLines(claims)).toMatch(/^ {2}NO /);
  });

  it('says the first ten foreign failures, and how many there are', () => {
    const failures = Array.from({ length: 12 }, () => failure({ version: 'v2' }));
    const [claim] = broken({ failures, failed: 12 });
    expect(claim?.details).toHaveLength(11);
    expect(claim?.details.at(-1)).toBe('… 12 such failures in all');
  });
});
