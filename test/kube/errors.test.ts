import { describe, expect, it } from 'vitest';
import { describeError, errorFromStatus, parseRetryAfter } from '../../src/kube/errors.ts';

describe('an unsuccessful answer', () => {
  const cause = { reason: 'FieldValueInvalid', message: 'must be positive', field: 'spec.replicas' };
  const body = {
    kind: 'Status',
    status: 'Failure',
    message: 'Deployment is invalid',
    reason: 'Invalid',
    details: { causes: [cause], retryAfterSeconds: 2 },
    code: 422,
  };
  it.each([
    {
      what: 'gives all that a Status says',
      error: errorFromStatus(422, body),
      expected: {
        status: 422,
        reason: 'Invalid',
        message: 'Deployment is invalid',
        causes: [cause],
        retryAfterMs: 2000,
      },
    },
    {
      what: 'prefers the Retry-After of the header',
      error: errorFromStatus(429, body, 5000),
      expected: { retryAfterMs: 5000 },
    },
    {
      what: 'of a proxy gives its text, cut',
      error: errorFromStatus(502, 'x'.repeat(1000)),
      expected: { status: 502, reason: 'Http502', message: 'x'.repeat(300), causes: [] },
    },
    {
      what: 'without a body still says something',
      error: errorFromStatus(503, undefined),
      expected: { reason: 'ServiceUnavailable', message: 'the API server answered 503 ServiceUnavailable' },
    },
  ])('$what', ({ error, expected }) => {
    expect(error).toMatchObject(expected);
  });

  it('is described in one line for logs', () => {
    expect(describeError(errorFromStatus(404, undefined)).reason).toBe('404 NotFound');
    expect(describeError('text')).toEqual({ reason: 'Thrown', message: 'text' });
  });
});

it.each([
  ['3', 3000],
  ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
  ['-1', undefined],
  [undefined, undefined],
])('reads Retry-After %s as %s ms', (header, ms) => {
  expect(parseRetryAfter(header)).toBe(ms);
});
