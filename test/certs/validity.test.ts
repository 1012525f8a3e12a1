import { beforeAll, describe, expect, it } from 'vitest';
import {
  authorityProblem,
  expiryOf,
  isRenewalDue,
  sameCertificates,
  servingProblem,
  splitBundle,
} from '../../src/certs/validity.ts';
import { type Issued, issued, later, START } from './key-pairs.ts';

const NAME = 'kanari.kanari-system.svc';
let ours: Issued;
let other: Issued;

beforeAll(async () => {
  ours = await issued([NAME]);
  other = await issued([NAME]);
});

const serving = (overrides: { pair?: object; bundle?: string; names?: string[]; at?: Date } = {}) =>
  servingProblem(
    { ...ours.leaf, ...overrides.pair },
    { bundle: ours.authority.cert, names: [NAME], at: START, ...overrides },
  );

describe('a serving pair', () => {
  it('is good for its name, under its authority, in its time', () => {
    expect(serving()).toBeUndefined();
  });

  it('is good under any authority of a bundle', () => {
    expect(serving({ bundle: `${other.authority.cert}garbage\n${ours.authority.cert}` })).toBeUndefined();
  });

  it('is unreadable as garbage', () => {
    expect(serving({ pair: { cert: 'garbage' } })).toBe('Unreadable');
  });

  it('does not go with the key of another', () => {
    expect(serving({ pair: { key: other.leaf.key } })).toBe('WrongKey');
    expect(serving({ pair: { key: '' } })).toBe('WrongKey');
  });

  it('covers every name or is no good', () => {
    expect(serving({ names: [NAME, '127.0.0.1'] })).toBe('WrongName');
  });

  it('is judged at a time', () => {
    expect(serving({ at: later(-1) })).toBe('NotYetValid');
    expect(serving({ at: later(29.9) })).toBeUndefined();
    expect(serving({ at: later(30) })).toBe('Expired');
  });

  it('is not trusted under another authority, or none', () => {
    expect(serving({ bundle: other.authority.cert })).toBe('UnknownIssuer');
    expect(serving({ bundle: '' })).toBe('UnknownIssuer');
  });
});

describe('an authority', () => {
  it('is judged like a pair', () => {
    const { authority } = ours;
    expect(authorityProblem(authority, START)).toBeUndefined();
    expect(authorityProblem({ cert: '', key: '' }, START)).toBe('Unreadable');
    expect(authorityProblem({ ...authority, key: other.authority.key }, START)).toBe('WrongKey');
    expect(authorityProblem(ours.leaf, START)).toBe('NoAuthority');
    expect(authorityProblem(authority, later(3_650))).toBe('Expired');
  });
});

describe('renewal', () => {
  it('is due when two thirds of a life are over', () => {
    expect(isRenewalDue(ours.leaf.cert, later(19.9))).toBe(false);
    expect(isRenewalDue(ours.leaf.cert, later(20))).toBe(true);
    expect(isRenewalDue('garbage', START)).toBe(true);
  });
});

it('a bundle is split into what can be read of it', () => {
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  expect(splitBundle(`${ours.authority.cert}${broken}text${other.authority.cert}`)).toHaveLength(2);
  expect(splitBundle('')).toEqual([]);
});

it('bundles are the same with the same certificates, however they are written', () => {
  const [one, two] = [ours.authority.cert, other.authority.cert];
  expect(sameCertificates(`${one}${two}`, `# two\n${two.replaceAll('\n', '\r\n')}${one}`)).toBe(true);
  expect(sameCertificates(one, `${one}${two}`)).toBe(false);
});

it('the end of a certificate is known, of garbage it was long ago', () => {
  expect(expiryOf(ours.leaf.cert)).toEqual(later(30));
  expect(expiryOf('garbage').getTime()).toBe(0);
});
