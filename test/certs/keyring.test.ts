import { beforeAll, describe, expect, it } from 'vitest';
import type { Circumstances } from '../../src/certs/certificate-source.ts';
import { idleAuthorities, type Keyring, renewKeyring } from '../../src/certs/keyring.ts';
import { expiryOf, isIssued, servingProblem, splitBundle } from '../../src/certs/validity.ts';
import { later, START } from './key-pairs.ts';

const NAMES = ['kanari.kanari-system.svc'];
let fresh: Keyring;

/** Nothing is served, and API servers know nothing, unless said. */
const under = (at: Date, others: Partial<Circumstances> = {}): Circumstances => ({
  at,
  names: NAMES,
  served: undefined,
  registered: '',
  settled: '',
  ...others,
});

const renewed = async (
  keyring: Keyring | undefined,
  circumstances: Circumstances,
  retired: readonly string[] = [],
) => {
  const result = await renewKeyring(keyring, circumstances, retired);
  if (result === undefined) throw new Error('expected a renewal');
  return result;
};

const problemOf = ({ leaf, bundle }: Keyring, at: Date) => servingProblem(leaf, { bundle, names: NAMES, at });
const served = ({ leaf, bundle }: Keyring) => ({ ...leaf, ca: bundle, expiresAt: expiryOf(leaf.cert) });

beforeAll(async () => {
  fresh = (await renewed(undefined, under(START))).keyring;
});

describe('a keyring', () => {
  it('is made where there is none, and is good', async () => {
    expect(problemOf(fresh, START)).toBeUndefined();
    expect((await renewed(undefined, under(START))).change).toEqual({
      kind: 'authorityReplaced',
      reason: 'Missing',
    });
  });

  it('is left alone while it is good', async () => {
    expect(await renewKeyring(fresh, under(later(19), { settled: fresh.bundle }), [])).toBeUndefined();
  });

  it('gets a new leaf by the same authority after two thirds of its life', async () => {
    const { keyring, change } = await renewed(fresh, under(later(20), { settled: fresh.bundle }));
    expect(change).toEqual({ kind: 'leafReplaced', reason: 'RenewalDue' });
    expect(keyring.bundle).toBe(fresh.bundle);
    expect(problemOf(keyring, later(49))).toBeUndefined();
  });

  it('keeps its leaf to the end while API servers have not learnt the authority', async () => {
    expect(await renewKeyring(fresh, under(later(29)), [])).toBeUndefined();
    expect((await renewed(fresh, under(later(30)))).change).toEqual({
      kind: 'leafReplaced',
      reason: 'Expired',
    });
  });

  it.each<[string, Partial<Keyring>, string]>([
    ['is garbage', { leaf: { cert: 'x', key: 'y' } }, 'Unreadable'],
    ['has no key', { leaf: { cert: '', key: '' } }, 'Unreadable'],
  ])('gets a new leaf when that %s', async (_, broken, reason) => {
    const { keyring, change } = await renewed({ ...fresh, ...broken }, under(START));
    expect(change).toEqual({ kind: 'leafReplaced', reason });
    expect(problemOf(keyring, START)).toBeUndefined();
  });

  it('gets a new leaf when it is to serve another name too', async () => {
    const { change } = await renewed(fresh, under(START, { names: [...NAMES, '127.0.0.1'] }));
    expect(change).toEqual({ kind: 'leafReplaced', reason: 'WrongName' });
  });

  it.each<[string, Partial<Keyring>, string]>([
    ['bundle is garbage', { bundle: 'x' }, 'Unreadable'],
    ['authority lost its key', { authorityKey: '' }, 'WrongKey'],
  ])('gets a new authority when its %s', async (_, broken, reason) => {
    const { keyring, change } = await renewed({ ...fresh, ...broken }, under(START));
    expect(change).toEqual({ kind: 'authorityReplaced', reason });
    expect(problemOf(keyring, START)).toBeUndefined();
  });

  it('gets a new authority when that has expired, and forgets the old one', async () => {
    const { keyring, change } = await renewed(fresh, under(later(3_651), { registered: fresh.bundle }));
    expect(change).toEqual({ kind: 'authorityReplaced', reason: 'Expired' });
    expect(splitBundle(keyring.bundle)).toHaveLength(1);
  });
});

describe('a lost keyring', () => {
  it('comes back with the leaf that is served, trusted as before', async () => {
    const { keyring } = await renewed(undefined, under(START, { served: served(fresh) }));
    expect(keyring.leaf).toEqual(fresh.leaf);
    expect(splitBundle(keyring.bundle)).toContain(fresh.bundle);
  });

  it('keeps what the API server trusts: another replica may serve by it', async () => {
    const { keyring } = await renewed(undefined, under(START, { registered: fresh.bundle }));
    expect(problemOf({ ...keyring, leaf: fresh.leaf }, START)).toBeUndefined();
    expect(problemOf(keyring, START)).toBeUndefined();
  });
});

describe('a clock that is two hours behind', () => {
  it('takes no authority away by which others serve', async () => {
    const { keyring } = await renewed(fresh, under(later(-1 / 12), { registered: fresh.bundle }));
    expect(splitBundle(keyring.bundle)).toContain(fresh.bundle);
  });
});

describe('rotation of the authority', () => {
  const at = later(2_500);
  let young: Keyring;
  let overlap: Keyring;

  beforeAll(async () => {
    young = (await renewed(fresh, under(at, { settled: fresh.bundle }))).keyring;
    overlap = (await renewed(young, under(at, { settled: fresh.bundle }))).keyring;
  });

  const [settled, notYet] = [
    () => under(at, { settled: overlap.bundle }),
    () => under(at, { settled: young.bundle }),
  ];

  it('first trusts both, and leaves the leaf alone', () => {
    expect(splitBundle(overlap.bundle)).toHaveLength(2);
    expect(overlap.leaf).toEqual(young.leaf);
    expect(problemOf(overlap, at)).toBeUndefined();
  });

  it('waits until API servers have learnt the new one', async () => {
    expect(await renewKeyring(overlap, notYet(), [])).toBeUndefined();
  });

  it('then moves the leaf, and trusts both still', async () => {
    const { keyring: moved, change } = await renewed(overlap, settled());
    expect(change).toEqual({ kind: 'leafReplaced', reason: 'AuthorityReplaced' });
    const [issuing = ''] = splitBundle(moved.bundle);
    expect(isIssued(moved.leaf.cert, issuing)).toBe(true);
    expect(splitBundle(moved.bundle)).toHaveLength(2);
  });

  it('stops to trust the old one once that has been idle for long', async () => {
    const { keyring: moved } = await renewed(overlap, settled());
    const [issuing = '', old = ''] = splitBundle(moved.bundle);
    expect(await renewKeyring(moved, settled(), [])).toBeUndefined();
    expect(await renewed(moved, settled(), [old])).toEqual({
      keyring: { ...moved, bundle: issuing },
      change: { kind: 'authoritiesRetired' },
    });
  });

  it('makes the old one idle only when API servers know the new one and the leaf is by it', async () => {
    const { keyring: moved } = await renewed(overlap, settled());
    const [, old = ''] = splitBundle(moved.bundle);
    expect(idleAuthorities(moved, settled())).toEqual([old]);
    expect(idleAuthorities(moved, notYet())).toEqual([]);
    expect(idleAuthorities(overlap, settled())).toEqual([]);
  });
});
