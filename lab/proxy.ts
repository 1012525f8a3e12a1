import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type AccessLogEntry, tailAccessLog } from './access-log.ts';
import { startEnvoy } from './envoy.ts';
import { envoyConfig } from './envoy-config.ts';
import { listenerName } from './envoy-listeners.ts';
import { createLagged, type Lagged } from './lagged.ts';
import { fullHost } from './mesh-hosts.ts';
import type { ClusterMirrors } from './mesh-mirrors.ts';
import type { EndpointObjects, MeshClient, RouteObjects } from './mesh-objects.ts';
import { createPublisher } from './publisher.ts';
import { createXdsFiles } from './xds-files.ts';

// A client's sidecar: an Envoy of its own, configured for its namespace, that learns of changes in its own time.

/** How late a proxy learns of changes, in milliseconds; 0 unless given (some 100 ms pass anyway). */
export interface Lag {
  /** EndpointSlices and pods. */
  endpointLagMs?: number;
  /** VirtualServices, DestinationRules and Services. */
  routeLagMs?: number;
}

export interface ProxyOptions extends MeshClient {
  lag?: Lag;
}

export interface Proxy {
  namespace: string;
  /** On 127.0.0.1; the Host header says which Service is asked for. */
  httpPort: number;
  adminUrl: string;
  /**
   * On 127.0.0.1, for a port of a Service (`db.shop`) that does not speak HTTP; stays the same while the Service has it.
   * @throws where there is none, or the proxy has not learnt of it yet
   */
  connectionPort(host: string, port: number): Promise<number>;
  /** Holds for changes seen from now on. */
  setLag(lag: Lag): void;
  stop(): Promise<void>;
}

export interface ProxySurroundings {
  /** Path of the program. */
  program: string;
  /** Of its own, made when missing. */
  dir: string;
  mirrors: ClusterMirrors;
  onRequest: (entry: AccessLogEntry) => void;
}

/** Resolves when Envoy routes by the objects that were there at the call. */
export const startProxy = async (options: ProxyOptions, around: ProxySurroundings): Promise<Proxy> => {
  const abort = new AbortController();
  const files = createXdsFiles(join(around.dir, 'xds'), Date.now);
  await files.prepare();
  const envoyDir = join(around.dir, 'envoy');
  await mkdir(envoyDir, { recursive: true });
  const envoy = await startEnvoy({ program: around.program, dir: envoyDir, ...files });
  const tail = await tailAccessLog(envoy.accessLog, around.onRequest);
  const views = followMirrors(around.mirrors);
  const publisher = createPublisher(
    () => {
      const objects = { routing: views.routing.value(), serving: views.serving.value() };
      return envoyConfig(objects, options, (cluster) => files.endpointsPath(cluster));
    },
    (config) => files.publish(config, (kind, version) => envoy.accepted(kind, version, abort.signal)),
  );
  await publisher.publish();
  for (const view of [views.routing, views.serving]) view.onChange(() => publisher.request());
  const setLag = ({ endpointLagMs = 0, routeLagMs = 0 }: Lag): void => {
    views.serving.setLag(endpointLagMs);
    views.routing.setLag(routeLagMs);
  };
  setLag(options.lag ?? {});
  return {
    namespace: options.namespace,
    httpPort: envoy.httpPort,
    adminUrl: envoy.adminUrl,
    connectionPort: (host, port) => envoy.listenerPort(listenerName(fullHost(host, options.namespace), port)),
    setLag,
    stop: async () => {
      abort.abort();
      views.routing.stop();
      views.serving.stop();
      await publisher.stop();
      await Promise.all([envoy.stop(), tail.stop()]);
    },
  };
};

interface Views {
  routing: Lagged<RouteObjects>;
  serving: Lagged<EndpointObjects>;
}

const followMirrors = (mirrors: ClusterMirrors): Views => {
  const routing = createLagged<RouteObjects>(() => ({
    services: mirrors.services.list(),
    virtualServices: mirrors.virtualServices.list(),
    destinationRules: mirrors.destinationRules.list(),
  }));
  const serving = createLagged<EndpointObjects>(() => ({
    endpointSlices: mirrors.endpointSlices.list(),
    pods: mirrors.pods.list(),
  }));
  for (const kind of ['services', 'virtualServices', 'destinationRules'] as const) {
    mirrors[kind].onChange(() => routing.changed());
  }
  for (const kind of ['endpointSlices', 'pods'] as const) mirrors[kind].onChange(() => serving.changed());
  return { routing, serving };
};
