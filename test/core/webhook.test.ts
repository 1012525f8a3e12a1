import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { listParts } from '../../src/core/policy-lists.ts';

const webhooks = (given: object) => z.object(listParts).safeParse({ webhooks: [given] });

describe('a webhook of a policy', () => {
  test('is a rollout webhook with ten seconds and no retries unless it says otherwise', () => {
    expect(webhooks({ name: 'load', url: 'http://load.shop/' }).data?.webhooks).toEqual([
      {
        name: 'load',
        type: 'rollout',
        url: 'http://load.shop/',
        timeoutMs: 10_000,
        retries: 0,
        metadata: {},
      },
    ]);
  });

  test('is what it says', () => {
    const given = { name: 'gate', type: 'confirm-promotion', url: 'https://gate', metadata: { a: 'b' } };
    expect(webhooks({ ...given, timeout: '1m30s', retries: 3 }).data?.webhooks).toEqual([
      { ...given, timeoutMs: 90_000, retries: 3 },
    ]);
  });

  test.each([
    { name: 'a' },
    { name: 'a', url: 'ftp://a' },
    { name: 'a', url: 'http://a', type: 'later' },
    { name: 'a', url: 'http://a', timeout: 'soon' },
    { name: 'a', url: 'http://a', retries: 11 },
    { name: 'a', url: 'http://a', metadata: { a: 1 } },
  ])('is not understood as %j', (given) => {
    expect(webhooks(given).success).toBe(false);
  });
});
