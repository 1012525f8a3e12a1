import { describe, expect, it, test } from 'vitest';
import { decodeReview, encodeReview } from '../../src/webhook/review.ts';
import { reviewOf } from './reviews.ts';

const decoded = (body: unknown) => {
  const result = decodeReview(body);
  if (!result.ok) throw new Error(result.message);
  return result.request;
};

describe('a review is decoded', () => {
  it('with what decides, and the objects as they came', () => {
    const body = reviewOf({ dryRun: true });
    const request = decoded(body);
    expect(request).toMatchObject({
      uid: '0c1d',
      operation: 'UPDATE',
      namespace: 'shop',
      name: 'web',
      dryRun: true,
      username: 'jane',
      resource: { resource: 'deployments' },
    });
    expect(request.object).toBe(body.request.object);
    expect(request.oldObject).toBe(body.request.oldObject);
  });

  it('with no old object on CREATE, where the API server writes null', () => {
    expect(decoded(reviewOf({ operation: 'CREATE', oldObject: null })).oldObject).toBeUndefined();
  });

  it('without the name that is still to be generated', () => {
    expect(decoded(reviewOf({ name: undefined })).name).toBe('');
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a list', []],
    ['another version', { ...reviewOf(), apiVersion: 'admission.k8s.io/v1beta1' }],
    ['no request', { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }],
    ['no uid', reviewOf({ uid: '' })],
    ['an unknown operation', reviewOf({ operation: 'PATCH' })],
    ['an object that is a text', reviewOf({ object: 'web' })],
    ['an object without metadata', reviewOf({ object: {} })],
  ])('never out of %s', (_, body) => {
    expect(decodeReview(body)).toMatchObject({
      ok: false,
      message: expect.stringContaining('AdmissionReview'),
    });
  });
});

describe('an outcome is encoded', () => {
  it('with its patch in base64', () => {
    const patch = [{ op: 'add' as const, path: '/spec/paused', value: true }];
    const review = encodeReview('u', { allowed: true, patch, warnings: [], reason: 'Held' });
    const { response } = review as { response: { patch: string } };
    expect(response).toMatchObject({ uid: 'u', allowed: true, patchType: 'JSONPatch' });
    expect(JSON.parse(Buffer.from(response.patch, 'base64').toString())).toEqual(patch);
  });

  it('without a patch type when there is no patch, which the API server would refuse', () => {
    expect(encodeReview('u', { allowed: true, patch: [], warnings: [], reason: 'Same' })).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u', allowed: true },
    });
  });

  it('as a denial with message and code', () => {
    const outcome = {
      allowed: false as const,
      message: 'retry in a moment',
      reason: 'Busy',
      code: 409,
      warnings: [],
    };
    expect(encodeReview('u', outcome)).toMatchObject({
      response: { allowed: false, status: { code: 409, message: 'retry in a moment', reason: 'Busy' } },
    });
  });

  it('with warnings no longer than the API server keeps', () => {
    const review = encodeReview('u', {
      allowed: true,
      patch: [],
      warnings: ['x'.repeat(500), 'y'],
      reason: 'r',
    });
    const { warnings } = (review as { response: { warnings: string[] } }).response;
    expect(warnings.map((warning) => warning.length)).toEqual([256, 1]);
  });
});
