import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bootstrap, HTTP_LISTENER, type XdsPaths } from './envoy-bootstrap.ts';
import { ROUTE_TABLE } from './envoy-config.ts';
import { startProcess } from './process.ts';
import type { Published } from './xds-files.ts';

// One real Envoy: a client's proxy, on loopback.

export interface EnvoyOptions extends XdsPaths {
  /** Path of the binary. */
  program: string;
  /** Of its own; gets configuration, logs and the access log. */
  dir: string;
}

export interface Envoy {
  /** Where the mesh's clients send their requests, on 127.0.0.1. */
  httpPort: number;
  /** JSON lines, appended within 100 ms of a request's end. */
  accessLog: string;
  adminUrl: string;
  /**
   * Resolves once what was written to an xDS file is in effect.
   * @throws after twenty seconds, when Envoy does not take it: its log says why.
   */
  accepted(kind: Published, version: string, signal: AbortSignal): Promise<void>;
  /** Of a listener, on 127.0.0.1. */
  listenerPort(name: string): Promise<number>;
  stop(): Promise<void>;
}

const READY_MS = 60_000;
const ACCEPT_DEADLINE_MS = 20_000;
const ACCEPT_POLL_MS = 10;

export const startEnvoy = async (options: EnvoyOptions): Promise<Envoy> => {
  const { program, dir } = options;
  const config = join(dir, 'envoy.json');
  const accessLog = join(dir, 'access.jsonl');
  const adminFile = join(dir, 'admin-address');
  await writeFile(accessLog, '');
  await writeFile(config, JSON.stringify(bootstrap(options, accessLog), null, 1));
  const child = startProcess({
    name: 'envoy',
    program,
    args: [
      ['-c', config, '--concurrency', '1', '--file-flush-interval-msec', '100', '--log-level', 'warning'],
      // Connections of a listener that was changed live on for as long as istio-proxy lets them.
      ['--disable-hot-restart', '--admin-address-path', adminFile, '--drain-time-s', '45'],
    ].flat(),
    logFile: join(dir, 'envoy.log'),
  });
  const admin = async (path: string): Promise<string> => {
    const url = `http://${await readFile(adminFile, 'utf8')}${path}`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(ACCEPT_DEADLINE_MS) });
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return answer.text();
  };
  await child.waitUntil(async () => (await admin('/ready')).startsWith('LIVE'), READY_MS);
  const listenerPort = async (name: string): Promise<number> =>
    portIn(await admin('/listeners?format=json'), name);
  return {
    httpPort: await listenerPort(HTTP_LISTENER),
    accessLog,
    adminUrl: `http://${await readFile(adminFile, 'utf8')}`,
    accepted: async (kind, version, signal) => {
      const inEffect = async () => !signal.aborted && isInEffect(await admin(STATS), kind, version);
      await waitFor(inEffect, `envoy to accept ${kind} ${version}`, signal);
    },
    listenerPort,
    stop: () => child.stop(),
  };
};

const STATS = `/stats?filter=${encodeURIComponent('version_text|warming')}`;

// What is still warming is not in effect, though its version is known.
const EFFECTS: Record<Published, (version: string) => string[]> = {
  clusters: (version) => [
    `cluster_manager.cds.version_text: "${version}"`,
    'cluster_manager.warming_clusters: 0',
  ],
  listeners: (version) => [
    `listener_manager.lds.version_text: "${version}"`,
    'listener_manager.total_listeners_warming: 0',
  ],
  routes: (version) => [`http.mesh.rds.${ROUTE_TABLE}.version_text: "${version}"`],
};

const isInEffect = (stats: string, kind: Published, version: string): boolean => {
  const lines = new Set(stats.split('\n'));
  return EFFECTS[kind](version).every((line) => lines.has(line));
};

const waitFor = async (
  condition: () => Promise<boolean>,
  what: string,
  signal: AbortSignal,
): Promise<void> => {
  const deadline = Date.now() + ACCEPT_DEADLINE_MS;
  while (!(await condition())) {
    signal.throwIfAborted();
    if (Date.now() > deadline) throw new Error(`waited ${ACCEPT_DEADLINE_MS} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, ACCEPT_POLL_MS));
  }
};

const portIn = (listeners: string, wanted: string): number => {
  const { listener_statuses: statuses } = JSON.parse(listeners) as {
    listener_statuses: { name: string; local_address: { socket_address: { port_value: number } } }[];
  };
  const port = statuses.find(({ name }) => name === wanted)?.local_address.socket_address.port_value;
  if (port === undefined) throw new Error(`envoy has no listener ${wanted}: ${listeners}`);
  return port;
};
