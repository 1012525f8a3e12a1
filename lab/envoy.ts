import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../src/core/objects.ts';
import { ROUTE_TABLE } from './envoy-config.ts';
import { ROUTE_METADATA } from './envoy-routes.ts';
import { startProcess } from './process.ts';

// One real Envoy: a fixed listener on loopback, everything behind it read from xDS files.

export interface EnvoyOptions {
  /** Path of the binary. */
  program: string;
  /** Of its own; gets configuration, logs and the access log. */
  dir: string;
  clustersPath: string;
  routesPath: string;
}

export interface Envoy {
  /** Where the mesh's clients send their requests, on 127.0.0.1. */
  httpPort: number;
  /** JSON lines, appended within 100 ms of a request's end. */
  accessLog: string;
  adminUrl: string;
  /**
   * Resolves once what was written to an xDS file is in effect.
   * @throws after two seconds, when Envoy does not take it: its log says why.
   */
  accepted(kind: 'clusters' | 'routes', version: string, signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

const ACCEPT_DEADLINE_MS = 2000;
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
      '-c',
      config,
      '--concurrency',
      '1',
      '--file-flush-interval-msec',
      '100',
      '--log-level',
      'warning',
    ].concat(['--disable-hot-restart', '--admin-address-path', adminFile]),
    logFile: join(dir, 'envoy.log'),
  });
  const admin = async (path: string): Promise<string> => {
    const url = `http://${await readFile(adminFile, 'utf8')}${path}`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(ACCEPT_DEADLINE_MS) });
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return answer.text();
  };
  await child.waitUntil(async () => (await admin('/ready')).startsWith('LIVE'), 20_000);
  return {
    httpPort: listenerPort(await admin('/listeners?format=json')),
    accessLog,
    adminUrl: `http://${await readFile(adminFile, 'utf8')}`,
    accepted: async (kind, version, signal) => {
      const inEffect = async () => !signal.aborted && isInEffect(await admin(STATS), kind, version);
      await waitFor(inEffect, `envoy to accept ${kind} ${version}`, signal);
    },
    stop: () => child.stop(),
  };
};

const STATS = `/stats?filter=${encodeURIComponent('version_text|warming_clusters')}`;

// A cluster that is still warming has no endpoints yet, though its version is known.
const isInEffect = (stats: string, kind: 'clusters' | 'routes', version: string): boolean => {
  const has = (line: string) => stats.split('\n').includes(line);
  return kind === 'clusters'
    ? has(`cluster_manager.cds.version_text: "${version}"`) && has('cluster_manager.warming_clusters: 0')
    : has(`http.mesh.rds.${ROUTE_TABLE}.version_text: "${version}"`);
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

const listenerPort = (listeners: string): number => {
  const { listener_statuses: statuses } = JSON.parse(listeners) as {
    listener_statuses: { local_address: { socket_address: { port_value: number } } }[];
  };
  const port = statuses[0]?.local_address.socket_address.port_value;
  if (port === undefined) throw new Error(`envoy listens nowhere: ${listeners}`);
  return port;
};

const loopback = { socket_address: { address: '127.0.0.1', port_value: 0 } };

const bootstrap = ({ clustersPath, routesPath }: EnvoyOptions, accessLog: string): JsonObject => ({
  node: { id: 'lab', cluster: 'lab' },
  admin: { address: loopback },
  dynamic_resources: {
    cds_config: { resource_api_version: 'V3', path_config_source: { path: clustersPath } },
  },
  static_resources: {
    listeners: [
      {
        name: 'mesh',
        address: loopback,
        filter_chains: [{ filters: [connectionManager(routesPath, accessLog)] }],
      },
    ],
  },
});

const connectionManager = (routesPath: string, accessLog: string): JsonObject => ({
  name: 'envoy.filters.network.http_connection_manager',
  typed_config: {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'mesh',
    rds: {
      route_config_name: ROUTE_TABLE,
      config_source: { resource_api_version: 'V3', path_config_source: { path: routesPath } },
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
    access_log: [
      {
        name: 'envoy.access_loggers.file',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
          path: accessLog,
          log_format: { json_format: ACCESS_LOG_FORMAT },
        },
      },
    ],
  },
});

/** Field names are those of `AccessLogEntry`. */
const ACCESS_LOG_FORMAT = {
  status: '%RESPONSE_CODE%',
  flags: '%RESPONSE_FLAGS%',
  durationMs: '%DURATION%',
  upstream: '%UPSTREAM_HOST%',
  cluster: '%UPSTREAM_CLUSTER_RAW%',
  host: `%METADATA(ROUTE:${ROUTE_METADATA}:host)%`,
};
