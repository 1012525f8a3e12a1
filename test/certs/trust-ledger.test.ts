import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../src/certs/authority.ts';
import { createTrustLedger, type TrustLedger } from '../../src/certs/trust-ledger.ts';
import { START } from './key-pairs.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
let one: string;
let two: string;

beforeAll(async () => {
  one = (await createAuthority(START)).cert;
  two = (await createAuthority(START)).cert;
});

const at = (milliseconds: number): Date => new Date(START.getTime() + milliseconds);

/** Seen at those milliseconds. */
const ledgerOf = (bundle: string, ...looks: number[]): TrustLedger => {
  const ledger = createTrustLedger();
  for (const look of looks) ledger.observe(bundle, at(look));
  return ledger;
};

describe('what API servers have learnt', () => {
  it('is what has stood there for 5 s', () => {
    const ledger = ledgerOf(one, 0, 4 * SECOND);
    expect(ledger.settled(at(4 * SECOND))).toBe('');
    ledger.observe(one, at(5 * SECOND));
    expect(ledger.settled(at(5 * SECOND))).toBe(one);
  });

  it('is not what was away in between', () => {
    const ledger = ledgerOf(one, 0, SECOND);
    ledger.observe('', at(2 * SECOND));
    ledger.observe(one, at(3 * SECOND));
    expect(ledger.settled(at(6 * SECOND))).toBe('');
  });

  it.each([
    ['that was slept through', 8 * HOUR],
    ['by which the clock was set forward', HOUR],
    ['by which the clock was set back', -HOUR],
  ])('counts no time %s', (_, milliseconds) => {
    const ledger = ledgerOf(one, 0, 10 * SECOND, milliseconds);
    expect(ledger.settled(at(milliseconds + 4 * SECOND))).toBe('');
    ledger.observe(one, at(milliseconds + 5 * SECOND));
    expect(ledger.settled(at(milliseconds + 5 * SECOND))).toBe(one);
  });

  it('is presumed of none of several: one may be new', () => {
    const ledger = ledgerOf(`${one}${two}`, 0);
    expect(ledger.presumed(at(0))).toBe('');
    ledger.observe(one, at(SECOND));
    expect(ledger.presumed(at(SECOND))).toBe('');
  });

  it('is presumed of what alone was there before the process, as long as it stands', () => {
    const ledger = ledgerOf(one, 0);
    expect(ledger.presumed(at(0))).toBe(one);
    ledger.observe(`${one}${two}`, at(SECOND));
    expect(ledger.presumed(at(SECOND))).toBe(one);
    ledger.observe(two, at(2 * SECOND));
    ledger.observe(one, at(3 * SECOND));
    expect(ledger.presumed(at(3 * SECOND))).toBe('');
  });
});
