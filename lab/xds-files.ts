import { createHash } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../src/core/objects.ts';
import type { XdsPaths } from './envoy-bootstrap.ts';
import { clustersNamedIn, type EnvoyConfig } from './envoy-config.ts';

// Hands configuration to Envoy through files, in the order that never leaves a route without its cluster: endpoints,
// clusters, listeners and routes, and only later the clusters that nothing uses any more.

export interface XdsFiles extends XdsPaths {
  endpointsPath(cluster: string): string;
  /** The empty state, which must stand before Envoy starts. */
  prepare(): Promise<void>;
  /** Writes what differs from what was published before. True: clusters were kept that a later publish will drop. */
  publish(config: EnvoyConfig, confirm: Confirm): Promise<boolean>;
}

/** The files whose taking effect is waited for. */
export type Published = 'clusters' | 'listeners' | 'routes';

/** Resolves once Envoy has taken what a file says. */
export type Confirm = (kind: Published, version: string) => Promise<void>;

/** Requests under way when their cluster is dropped would be cut off. */
export const RETIRE_AFTER_MS = 3000;

export const createXdsFiles = (dir: string, now: () => number): XdsFiles => {
  const clustersPath = join(dir, 'clusters.json');
  const routesPath = join(dir, 'routes.json');
  const listenersPath = join(dir, 'listeners.json');
  const endpointsPath = (cluster: string) => join(dir, 'endpoints', `${encodeURIComponent(cluster)}.json`);
  const written = new Map<string, string>();
  const retiring = new Map<string, { cluster: JsonObject; since: number }>();
  let published = new Map<string, JsonObject>();

  /** The new version; undefined when the file says this already. */
  const write = async (path: string, resources: JsonObject[]): Promise<string | undefined> => {
    const text = JSON.stringify(resources);
    if (written.get(path) === text) return undefined;
    const version = createHash('sha256').update(text).digest('hex').slice(0, 12);
    // Envoy watches for a file moved into place; written in place, it would read half of it.
    await writeFile(`${path}.next`, JSON.stringify({ version_info: version, resources }));
    await rename(`${path}.next`, path);
    written.set(path, text);
    return version;
  };
  const retire = (config: EnvoyConfig): Map<string, JsonObject> => {
    const used = clustersNamedIn(config);
    for (const [name, cluster] of published) {
      // One that is gone though a route still names it fails at once, as in a mesh: that is the error to be found.
      if (!config.clusters.has(name) && !used.has(name) && !retiring.has(name)) {
        retiring.set(name, { cluster, since: now() });
      }
    }
    for (const [name, { since }] of retiring) {
      if (config.clusters.has(name) || used.has(name) || now() - since >= RETIRE_AFTER_MS)
        retiring.delete(name);
    }
    const kept = [...retiring].map(([name, { cluster }]) => [name, cluster] as const);
    return new Map([...config.clusters, ...kept]);
  };
  const forget = async (clusters: ReadonlyMap<string, JsonObject>): Promise<void> => {
    for (const name of published.keys()) {
      if (clusters.has(name)) continue;
      written.delete(endpointsPath(name));
      await rm(endpointsPath(name), { force: true });
    }
  };
  return {
    clustersPath,
    routesPath,
    listenersPath,
    endpointsPath,
    prepare: async () => {
      await mkdir(join(dir, 'endpoints'), { recursive: true });
      await write(clustersPath, []);
      await write(listenersPath, []);
      await write(routesPath, [EMPTY_ROUTES]);
    },
    publish: async (config, confirm) => {
      for (const [name, assignment] of config.assignments) await write(endpointsPath(name), [assignment]);
      const clusters = retire(config);
      const inOrder: [Published, string, JsonObject[]][] = [
        ['clusters', clustersPath, [...clusters.values()]],
        ['listeners', listenersPath, config.listeners],
        ['routes', routesPath, [config.routes]],
      ];
      for (const [kind, path, resources] of inOrder) {
        const version = await write(path, resources);
        if (version !== undefined) await confirm(kind, version);
      }
      await forget(clusters);
      published = clusters;
      return retiring.size > 0;
    },
  };
};

const EMPTY_ROUTES: JsonObject = {
  '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  name: 'mesh',
  virtual_hosts: [],
};
