import { BlockList } from 'node:net';
import { type Network, parseNetwork } from '../core/allow-entry.ts';

// Addresses that mean something else to Kanari than to the user who names them.

const KINDS: Readonly<Record<string, readonly string[]>> = {
  'a loopback address': ['127.0.0.0/8', '::1'],
  // A cloud's metadata servers: the credentials of the machine are to be had there.
  'a metadata address': [
    '169.254.169.254',
    'fd00:ec2::254',
    'fd20:ce::254',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
  ],
  'a link-local address': ['169.254.0.0/16', 'fe80::/10'],
  'an unspecified address': ['0.0.0.0/8', '::'],
  'a multicast address': ['224.0.0.0/4', 'ff00::/8'],
  'a reserved address': ['240.0.0.0/4'],
  // Compatible, translated, 6to4, Teredo and local translation: an IPv4 address may be hidden in them.
  'a tunnel address': ['::/96', '::ffff:0:0:0/96', '2002::/16', '2001::/32', '64:ff9b:1::/48'],
};

export interface Forbidden {
  /** `a loopback address`. */
  what: string;
  network: Network;
}

const network = (text: string): Network => {
  const parsed = parseNetwork(text);
  if (parsed === undefined) throw new Error(`no network: ${text}`);
  return parsed;
};

/** Most telling first. */
export const FORBIDDEN: readonly Forbidden[] = Object.entries(KINDS).flatMap(([what, texts]) =>
  texts.map((text) => ({ what, network: network(text) })),
);

const add = (list: BlockList, { family, address, prefix }: Network): BlockList => {
  list.addSubnet(address, prefix, family);
  return list;
};

export const listOf = (networks: readonly Network[]): BlockList => networks.reduce(add, new BlockList());

const NAT64 = listOf([network('64:ff9b::/96')]);

/** The last four bytes of an IPv6 address, as an IPv4 one. */
const lastFour = (address: string): string => {
  // The URL parser writes every IPv6 address in one way: hexadecimal, without dots.
  const written = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const afterGap = written.split('::').at(-1) ?? '';
  const parts = afterGap.split(':').map((part) => Number.parseInt(part || '0', 16));
  const [high = 0, low = 0] = [0, ...parts].slice(-2);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
};

const MAPPED = listOf([network('::ffff:0:0/96')]);

/** An address as a network of one: an IPv4 one that is written as, or translated from, an IPv6 one is IPv4. */
export const addressOf = (text: string): Network | undefined => {
  const parsed = parseNetwork(text.replace(/%.*$/, ''));
  if (parsed === undefined || parsed.family === 'ipv4') return parsed;
  const { address, family } = parsed;
  const hidden = MAPPED.check(address, family) || NAT64.check(address, family);
  return hidden ? { ...parsed, family: 'ipv4', address: lastFour(address), prefix: 32 } : parsed;
};
