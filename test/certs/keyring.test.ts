import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type Keyring, renewKeyring } from '../../src/certs/keyring.ts';
import { servingProblem, splitBundle } from '../../src/certs/validity.ts';
import { later, START } from './key-pairs.ts';

// RSA keys take their time on a busy machine.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const NAMES = ['kanari.kanari-system.svc'];
let fresh: Keyring;

const renewed = async (keyring: Keyring | undefined, at: Date, names = NAMES) => {
  const result = await renewKeyring(keyring, names, at);
  if (result === undefined) throw new Error('expected a renewal');
  return result;
};

const problemOf = ({ leaf, bundle }: Keyring, at: Date) => servingProblem(leaf, { bundle, names: NAMES, at });

beforeAll(async () => {
  fresh = (await renewed(undefined, START)).keyring;
});

describe('a keyring', () => {
  it('is made where there is none, and is good', async () => {
    expect(problemOf(fresh, START)).toBeUndefined();
    expect((await renewed(undefined, START)).change).toEqual({ kind: 'created', reason: 'Missing' });
  });

  it('is left alone while it is good', async () => {
    expect(await renewKeyring(fresh, NAMES, later(19))).toBeUndefined();
  });

  it('gets a new leaf by the same authority after two thirds of its life', async () => {
    const { keyring, change } = await renewed(fresh, later(20));
    expect(change).toEqual({ kind: 'leafRenewed', reason: 'RenewalDue' });
    expect(keyring.bundle).toBe(fresh.bundle);
    expect(problemOf(keyring, later(49))).toBeUndefined();
  });

  it.each<[string, Partial<Keyring>, string]>([
    ['is garbage', { leaf: { cert: 'x', key: 'y' } }, 'Unreadable'],
    ['has no key', { leaf: { cert: '', key: '' } }, 'Unreadable'],
  ])('gets a new leaf when that %s', async (_, broken, reason) => {
    const { keyring, change } = await renewed({ ...fresh, ...broken }, START);
    expect(change).toEqual({ kind: 'leafRenewed', reason });
    expect(problemOf(keyring, START)).toBeUndefined();
  });

  it('gets a new leaf when it is to serve another name too', async () => {
    const { change } = await renewed(fresh, START, [...NAMES, '127.0.0.1']);
    expect(change).toEqual({ kind: 'leafRenewed', reason: 'WrongName' });
  });

  it.each<[string, Partial<Keyring>, string]>([
    ['bundle is garbage', { bundle: 'x' }, 'Unreadable'],
    ['authority lost its key', { authorityKey: '' }, 'WrongKey'],
  ])('is made anew when its %s', async (_, broken, reason) => {
    const { keyring, change } = await renewed({ ...fresh, ...broken }, START);
    expect(change).toEqual({ kind: 'created', reason });
    expect(problemOf(keyring, START)).toBeUndefined();
  });

  it('is made anew when its authority has expired', async () => {
    expect((await renewed(fresh, later(3_651))).change).toEqual({ kind: 'created', reason: 'Expired' });
  });
});

describe('rotation of the authority', () => {
  it('trusts both, and moves the leaf only afterwards, so that no call fails', async () => {
    const at = later(2_500);
    const young = (await renewed(fresh, at)).keyring;
    const overlap = await renewed(young, at);
    expect(overlap.change).toEqual({ kind: 'authorityRenewed' });
    expect(splitBundle(overlap.keyring.bundle)).toHaveLength(2);
    expect(overlap.keyring.leaf).toEqual(young.leaf);
    expect(problemOf(overlap.keyring, at)).toBeUndefined();

    const moved = await renewed(overlap.keyring, later(2_520));
    expect(moved.change).toEqual({ kind: 'leafRenewed', reason: 'RenewalDue' });
    const [issuing = '', former = ''] = splitBundle(moved.keyring.bundle);
    expect(problemOf({ ...moved.keyring, bundle: issuing }, later(2_520))).toBeUndefined();
    expect(problemOf({ ...moved.keyring, bundle: former }, later(2_520))).toBe('UnknownIssuer');
  });
});
