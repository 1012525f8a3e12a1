import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAddressGuard } from '../../src/outbound/address-guard.ts';

const API_SERVER = ['10.96.0.1', 'fd00:96::1'];

const refusalOf = (allow: string[] | undefined, address: string, host = 'gate.shop') =>
  createAddressGuard(allow).refusal(host, address, API_SERVER);

describe('without an allow-list', () => {
  it.each(['10.1.2.3', '93.184.216.34', '192.168.1.1', 'fd00::7', '2606:4700::1', '64:ff9b::5db8:d822'])(
    '%s may be called',
    (address) => {
      expect(refusalOf(undefined, address)).toBeUndefined();
    },
  );

  it.each([
    ['127.0.0.1', 'a loopback address'],
    ['127.255.3.4', 'a loopback address'],
    ['::1', 'a loopback address'],
    ['::ffff:127.0.0.1', 'a loopback address'],
    ['::ffff:7f00:1', 'a loopback address'],
    ['0:0:0:0:0:ffff:7f00:0001', 'a loopback address'],
    ['64:ff9b::127.0.0.1', 'a loopback address'],
    ['169.254.169.254', 'a metadata address'],
    ['::ffff:a9fe:a9fe', 'a metadata address'],
    ['fd00:ec2::254', 'a metadata address'],
    ['100.100.100.200', 'a metadata address'],
    ['169.254.0.7', 'a link-local address'],
    ['fe80::1', 'a link-local address'],
    ['febf::1', 'a link-local address'],
    ['fe80::1%eth0', 'a link-local address'],
    ['0.0.0.0', 'an unspecified address'],
    ['0.1.2.3', 'an unspecified address'],
    ['::', 'an unspecified address'],
    ['64:ff9b::', 'an unspecified address'],
    ['224.0.0.251', 'a multicast address'],
    ['ff02::fb', 'a multicast address'],
    ['255.255.255.255', 'a reserved address'],
    ['::127.0.0.1', 'a tunnel address'],
    ['2002:7f00:1::', 'a tunnel address'],
    ['::ffff:0:7f00:1', 'a tunnel address'],
    ['10.96.0.1', 'an address of the API server'],
    ['::ffff:10.96.0.1', 'an address of the API server'],
    ['fd00:96:0::1', 'an address of the API server'],
  ])('%s is %s and is not called', (address, what) => {
    expect(refusalOf(undefined, address)).toContain(`is ${what}, which is not called`);
  });

  it('says what would allow it', () => {
    expect(refusalOf(undefined, '::ffff:127.0.0.1')).toBe(
      'gate.shop (127.0.0.1) is a loopback address, which is not called: ' +
        `it would take "127.0.0.1" in outbound.allow of Kanari's integrations file`,
    );
  });

  it('what is no address at all is not called', () => {
    expect(refusalOf(undefined, 'gate')).toBe('gate is no address');
  });
});

describe('an allow-list', () => {
  it.each<[entries: string[], host: string, address: string, allowed: boolean]>([
    [['gate.shop'], 'gate.shop', '10.1.2.3', true],
    [['gate.shop'], 'till.shop', '10.1.2.3', false],
    [['*.shop'], 'gate.shop', '10.1.2.3', true],
    [['10.0.0.0/8'], 'gate.shop', '10.1.2.3', true],
    [['10.0.0.0/8'], 'gate.shop', '11.1.2.3', false],
    [['10.0.0.0/8'], 'gate.shop', '::ffff:10.1.2.3', true],
    [[], 'gate.shop', '10.1.2.3', false],
    // No name opens what is forbidden: who owns the name decides where it leads.
    [['localhost', '*'], 'localhost', '127.0.0.1', false],
    [['gate.shop'], 'gate.shop', '169.254.169.254', false],
    [['127.0.0.1'], 'localhost', '127.0.0.1', true],
    [['127.0.0.0/8'], 'gate.shop', '127.8.8.8', true],
    [['127.0.0.1'], 'gate.shop', '127.0.0.2', false],
    // Nor does a network that is not meant for it.
    [['0.0.0.0/0', '::/0'], 'gate.shop', '127.0.0.1', false],
    [['0.0.0.0/0', '::/0'], 'gate.shop', '::1', false],
    [['0.0.0.0/0'], 'gate.shop', '10.1.2.3', true],
    [['10.96.0.0/16'], 'gate.shop', '10.96.0.1', false],
    [['10.96.0.1'], 'gate.shop', '10.96.0.1', true],
    [['169.254.0.0/16'], 'gate.shop', '169.254.1.1', true],
    // The metadata server is more than a link-local address.
    [['169.254.0.0/16'], 'gate.shop', '169.254.169.254', false],
    [['169.254.169.254'], 'gate.shop', '169.254.169.254', true],
  ])('of %j lets %s at %s be called: %s', (entries, host, address, allowed) => {
    expect(refusalOf(entries, address, host) === undefined).toBe(allowed);
  });

  it('names the host that it lacks', () => {
    expect(refusalOf(['10.0.0.0/8'], '11.1.2.3')).toBe(
      'gate.shop (11.1.2.3) is not among what may be called: ' +
        `it would take "gate.shop" in outbound.allow of Kanari's integrations file`,
    );
  });

  it('with an entry that is nothing of the kind is not taken', () => {
    expect(() => createAddressGuard(['http://gate'])).toThrow('no host, address or network: http://gate');
  });
});

/** IPv4 addresses as numbers. */
const four = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');

const loopback = fc.integer({ min: 0x7f000000, max: 0x7fffffff });

const bytes = (value: number): number[] => four(value).split('.').map(Number);

const SPELLINGS: readonly ((value: number) => string)[] = [
  (value) => String(value),
  (value) => `0x${value.toString(16)}`,
  (value) => `0${value.toString(8)}`,
  (value) =>
    bytes(value)
      .map((part) => `0x${part.toString(16)}`)
      .join('.'),
  (value) =>
    bytes(value)
      .map((part) => `0${part.toString(8)}`)
      .join('.'),
  (value) => `${bytes(value)[0]}.${value & 0xffffff}`,
  (value) => `${four(value)}.`,
  (value) => four(value).replaceAll('.', '。'),
  (value) => `[::ffff:${four(value)}]`,
  (value) => `[::${four(value)}]`,
  (value) => `[64:ff9b::${four(value)}]`,
  (value) => `[0:0:0:0:0:FFFF:${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}]`,
  (value) => `[2002:${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}::1]`,
];

it('no spelling of a loopback address in a URL gets through', () => {
  fc.assert(
    fc.property(loopback, fc.constantFrom(...SPELLINGS), (value, spell) => {
      const host = new URL(`http://${spell(value)}/`).hostname.replace(/^\[|\]$/g, '');
      expect(refusalOf(undefined, host, host)).toContain('is not called');
    }),
  );
});

it('an IPv4 address is judged alike however IPv6 spells it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => {
      const judged = refusalOf(['10.0.0.0/8', '127.0.0.0/8'], four(value)) === undefined;
      for (const spelling of [`::ffff:${four(value)}`, `64:ff9b::${four(value)}`])
        expect(refusalOf(['10.0.0.0/8', '127.0.0.0/8'], spelling) === undefined).toBe(judged);
    }),
  );
});
