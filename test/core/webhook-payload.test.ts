import { describe, expect, test } from 'vitest';
import { eventPayloadOf, type PayloadOf, payloadOf } from '../../src/core/webhook-payload.ts';

const of = (changes: Partial<PayloadOf> = {}): PayloadOf => ({
  key: 'shop/web',
  run: { id: '1-3fa9c2d41b-7-abc' },
  phase: 'Progressing',
  ...changes,
});

describe('the payload of a webhook', () => {
  test("has Flagger's fields and no others", () => {
    expect(payloadOf(of(), { cmd: 'hey' })).toEqual({
      name: 'web',
      namespace: 'shop',
      phase: 'Progressing',
      checksum: expect.stringMatching(/^[0-9a-f]{10}$/),
      metadata: { cmd: 'hey' },
    });
  });

  test('has no metadata where there is none', () => {
    expect(Object.keys(payloadOf(of(), {}))).toEqual(['name', 'namespace', 'phase', 'checksum']);
  });

  test('has one checksum in all phases of a run, and another in the next run', () => {
    const { checksum } = payloadOf(of(), {});
    expect(payloadOf(of({ phase: 'Succeeded' }), {}).checksum).toBe(checksum);
    expect(payloadOf(of({ run: { id: '1-3fa9c2d41b-7-abd' } }), {}).checksum).not.toBe(checksum);
  });

  test.each([
    ['Paused', 'Waiting'],
    ['WaitingPromotion', 'WaitingPromotion'],
    ['Failed', 'Failed'],
  ] as const)('of a run that is %s says %s', (phase, word) => {
    expect(payloadOf(of({ phase }), {}).phase).toBe(word);
  });

  test('of an Event has what it says, and when, beside the metadata', () => {
    const event = { type: 'Warning', message: 'Halt', at: new Date(1_795_228_680_123) };
    expect(eventPayloadOf(of(), { team: 'web', eventType: 'mine' }, event).metadata).toEqual({
      team: 'web',
      eventMessage: 'Halt',
      eventType: 'Warning',
      timestamp: '1795228680123',
    });
  });
});
