import { lookup } from 'node:dns/promises';
import type { EndpointSlice, Service } from '../core/objects.ts';

export interface ApiServerSources {
  /** Base URL that Kanari itself calls it by. */
  server: string;
  /** The Service `default/kubernetes`, and its slices. */
  service: () => Service | undefined;
  slices: () => readonly EndpointSlice[];
  /** Addresses of a host; default: the system's. */
  resolve?: (host: string) => Promise<string[]>;
}

const systemResolve = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/** Every address that is known to be the API server's, one that its name has led to before included. Never rejects. */
export const createApiServerAddresses = (sources: ApiServerSources): (() => Promise<string[]>) => {
  const resolve = sources.resolve ?? systemResolve;
  const host = new URL(sources.server).hostname.replace(/^\[(.*)\]$/, '$1');
  const named = new Set<string>();
  return async () => {
    // A name that leads nowhere at the moment leads nobody there.
    for (const address of await resolve(host).catch(() => [])) named.add(address);
    const { clusterIP, clusterIPs = [] } = sources.service()?.spec ?? {};
    const endpoints = sources.slices().flatMap(({ endpoints: all }) => all ?? []);
    return [
      ...named,
      ...(clusterIP === undefined ? [] : [clusterIP]),
      ...clusterIPs,
      ...endpoints.flatMap(({ addresses }) => addresses),
    ];
  };
};
