import { z } from 'zod';

// Whom Kanari may call on behalf of users, one entry of `outbound.allow`.

export interface Network {
  kind: 'network';
  family: 'ipv4' | 'ipv6';
  address: string;
  /** Leading bits that count; 32 or 128 for one address. */
  prefix: number;
}

export type AllowEntry =
  /** `*` for every host, `*.shop.svc` for every host below, or one host. Lower case. */
  { kind: 'host'; pattern: string } | Network;

const ipv4 = z.ipv4();
const ipv6 = z.ipv6();

/** One address, or a network in CIDR form; undefined when it is neither. */
export const parseNetwork = (text: string): Network | undefined => {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const four = ipv4.safeParse(address).success;
  if (!four && !ipv6.safeParse(address).success) return undefined;
  const most = four ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  return prefix > most ? undefined : { kind: 'network', family: four ? 'ipv4' : 'ipv6', address, prefix };
};

// The last label is no number: such a name is a spelling of an IPv4 address, which is to be given as one.
const HOST =
  /^(?:\*|(?:\*\.)?(?:[a-z0-9_](?:[-a-z0-9_]{0,61}[a-z0-9_])?\.)*(?=[a-z0-9-]*[a-z])[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)$/;

export const ALLOW_EXAMPLE = '"*.shop.svc", "hooks.slack.com", "10.1.2.3" or "10.0.0.0/8"';

/** Undefined when it is no host, pattern of hosts, address or network. */
export const parseAllowEntry = (text: string): AllowEntry | undefined => {
  const pattern = text.toLowerCase();
  if (pattern.length <= 253 && HOST.test(pattern) && !pattern.startsWith('0x'))
    return { kind: 'host', pattern };
  return parseNetwork(text);
};

/** @param host lower case, without a dot at its end */
export const hostMatches = (pattern: string, host: string): boolean =>
  pattern === '*' ||
  (pattern.startsWith('*.')
    ? host.length > pattern.length - 1 && host.endsWith(pattern.slice(1))
    : host === pattern);
