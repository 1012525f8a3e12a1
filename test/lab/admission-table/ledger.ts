import { expect } from 'vitest';
import type { UngatedReason } from '../../../src/core/conditions.ts';
import { type EventRecord, eventually, type Shop, type World } from '../shop.ts';

/** What was to go out without a canary, to be compared with what Kanari told of it. */
export interface Ledger {
  /** This namespace has one more ungated change. Waited for nowhere: see `balances`. */
  expect(shop: Shop, reason: UngatedReason): void;
  /** Every change that was expected was told in one Event and counted once, and nothing else was. */
  balances(): Promise<void>;
}

const COUNTER = 'kanari_ungated_changes_total';

interface CountedEvent extends EventRecord {
  count: number;
}

const tally = (keys: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const key of [...keys].sort()) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
};

export const createLedger = (world: World): Ledger => {
  const expected: { namespace: string; reason: UngatedReason }[] = [];
  const told = async (): Promise<string[]> => {
    const { items } = await world.lab.api.request<{ items: CountedEvent[] }>('GET', '/api/v1/events');
    return items
      .filter(({ message }) => message.startsWith('released without a canary: '))
      .flatMap(({ count, reason, metadata }) =>
        Array<string>(count).fill(`${metadata.namespace}: ${reason}`),
      );
  };
  return {
    expect: ({ namespace }, reason) => void expected.push({ namespace, reason }),
    balances: async () => {
      const reasons = [...new Set(expected.map(({ reason }) => reason))];
      const counted = await Promise.all(
        reasons.map((reason) => world.counter(COUNTER, `reason="${reason}"`)),
      );
      expect(Object.fromEntries(reasons.map((reason, index) => [reason, counted[index]]))).toEqual(
        tally(expected.map(({ reason }) => reason)),
      );
      expect(await world.counter(COUNTER)).toBe(expected.length);
      const events = expected.map(({ namespace, reason }) => `${namespace}: ${reason}`);
      await eventually(async () => expect(tally(await told())).toEqual(tally(events)));
    },
  };
};
