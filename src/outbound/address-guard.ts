import type { BlockList } from 'node:net';
import { type AllowEntry, hostMatches, type Network, parseAllowEntry } from '../core/allow-entry.ts';
import { quote } from '../core/text.ts';
import { addressOf, FORBIDDEN, type Forbidden, listOf } from './forbidden-networks.ts';

// Decides by the address that is connected to: a name says nothing about where it leads.

export interface AddressGuard {
  /**
   * Why the address is not called under this name, and what would allow it; undefined: it may be.
   * @param host as in the URL, lower case, without brackets and without a dot at its end
   * @param apiServer the API server's addresses
   */
  refusal(host: string, address: string, apiServer: readonly string[]): string | undefined;
}

const contains = (outer: Network, inner: Network): boolean =>
  outer.family === inner.family &&
  inner.prefix >= outer.prefix &&
  listOf([outer]).check(inner.address, inner.family);

const toAllow = (entry: string): string =>
  `it would take ${JSON.stringify(quote(entry))} in outbound.allow of Kanari's integrations file`;

/** All that forbid it: what is opened as one may stay shut as another. */
const forbiddenBy = (address: Network, apiServer: readonly string[]): Forbidden[] => {
  const servers = apiServer.flatMap((text) => addressOf(text) ?? []);
  const what = 'an address of the API server';
  const all = [...FORBIDDEN, ...servers.map((network) => ({ what, network }))];
  return all.filter(({ network }) => contains(network, address));
};

const entryOf = (text: string): AllowEntry => {
  const entry = parseAllowEntry(text);
  if (entry === undefined) throw new Error(`no host, address or network: ${text}`);
  return entry;
};

/**
 * @param allow hosts, addresses and networks that may be called; undefined: all. A forbidden address is opened only by
 *   an entry that is an address or a network and lies within what is forbidden: no name opens it, nor does `0.0.0.0/0`.
 * @throws Error for an entry that is none of these
 */
export const createAddressGuard = (allow: readonly string[] | undefined): AddressGuard => {
  const entries = (allow ?? ['*']).map(entryOf);
  const networks = entries.filter((entry) => entry.kind === 'network');
  const allowed: BlockList = listOf(networks);
  const patterns = entries.flatMap((entry) => (entry.kind === 'host' ? entry.pattern : []));

  const opened = ({ network }: Forbidden, address: Network): boolean =>
    networks.some((entry) => contains(network, entry) && contains(entry, address));

  return {
    refusal: (host, text, apiServer) => {
      const address = addressOf(text);
      if (address === undefined) return `${quote(text)} is no address`;
      const known = host === text ? quote(host) : `${quote(host)} (${address.address})`;
      const forbidden = forbiddenBy(address, apiServer);
      const shut = forbidden.find((reason) => !opened(reason, address));
      if (shut !== undefined)
        return `${known} is ${shut.what}, which is not called: ${toAllow(address.address)}`;
      if (forbidden.length > 0) return undefined;
      if (allowed.check(address.address, address.family)) return undefined;
      if (patterns.some((pattern) => hostMatches(pattern, host))) return undefined;
      return `${known} is not among what may be called: ${toAllow(host)}`;
    },
  };
};
