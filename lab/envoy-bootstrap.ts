import type { JsonObject } from '../src/core/objects.ts';
import { ROUTE_TABLE } from './envoy-config.ts';
import { FAULT_FILTER } from './envoy-faults.ts';
import { ROUTE_METADATA } from './envoy-routes.ts';

// What an Envoy of the lab is started with: one listener for HTTP on loopback, everything else read from xDS files.

export interface XdsPaths {
  clustersPath: string;
  routesPath: string;
  listenersPath: string;
}

/** Name of the listener that takes HTTP for every Service. */
export const HTTP_LISTENER = 'mesh';

const loopback = { socket_address: { address: '127.0.0.1', port_value: 0 } };
const fileSource = (path: string) => ({ resource_api_version: 'V3', path_config_source: { path } });

export const bootstrap = (paths: XdsPaths, accessLog: string): JsonObject => ({
  node: { id: 'lab', cluster: 'lab' },
  admin: { address: loopback },
  dynamic_resources: {
    cds_config: fileSource(paths.clustersPath),
    lds_config: fileSource(paths.listenersPath),
  },
  static_resources: {
    listeners: [
      {
        name: HTTP_LISTENER,
        address: loopback,
        filter_chains: [{ filters: [connectionManager(paths.routesPath, accessLog)] }],
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
    rds: { route_config_name: ROUTE_TABLE, config_source: fileSource(routesPath) },
    http_filters: [
      FAULT_FILTER,
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
