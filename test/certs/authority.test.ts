import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { DAY, type Issued, issued, START } from './key-pairs.ts';

let pairs: Issued;
let authority: X509Certificate;
let leaf: X509Certificate;

beforeAll(async () => {
  pairs = await issued(['kanari.kanari-system.svc', '127.0.0.1', '::1']);
  authority = new X509Certificate(pairs.authority.cert);
  leaf = new X509Certificate(pairs.leaf.cert);
});

const lifeInDays = (certificate: X509Certificate) =>
  (Date.parse(certificate.validTo) - START.getTime()) / DAY;

describe('an authority', () => {
  it('is one, signed by itself, for ten years', () => {
    expect(authority.ca).toBe(true);
    expect(authority.verify(authority.publicKey)).toBe(true);
    expect(lifeInDays(authority)).toBe(3_650);
  });
});

describe('a leaf', () => {
  it('is issued by the authority and is none itself', () => {
    expect(leaf.checkIssued(authority)).toBe(true);
    expect(leaf.verify(authority.publicKey)).toBe(true);
    expect(leaf.ca).toBe(false);
  });

  it('covers its DNS names and IP addresses, and no others', () => {
    expect(leaf.checkHost('kanari.kanari-system.svc')).toBe('kanari.kanari-system.svc');
    expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(leaf.checkIP('::1')).toBe('::1');
    expect(leaf.checkHost('kanari.default.svc')).toBeUndefined();
    expect(leaf.checkIP('127.0.0.2')).toBeUndefined();
  });

  it('serves for 30 days, also to clients whose clock is a little behind', () => {
    expect(lifeInDays(leaf)).toBe(30);
    expect(Date.parse(leaf.validFrom)).toBeLessThan(START.getTime());
  });

  it('is for servers, and belongs to its own key', () => {
    // The extended key usage "server authentication".
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(pairs.leaf.key).not.toBe(pairs.authority.key);
  });
});

it('serials are positive, long and never the same', () => {
  for (const { serialNumber } of [authority, leaf]) expect(serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  expect(leaf.serialNumber).not.toBe(authority.serialNumber);
});
