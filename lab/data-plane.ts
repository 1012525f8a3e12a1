import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EndpointSlice, Pod, ReplicaSet, Service } from '../src/core/objects.ts';
import { tailAccessLog } from './access-log.ts';
import type { LabApi } from './api.ts';
import { startEnvoy } from './envoy.ts';
import { envoyConfig } from './envoy-config.ts';
import { createIstioMetrics } from './istio-metrics.ts';
import { createLagged, type Lagged } from './lagged.ts';
import type { DestinationRule, EndpointObjects, RouteObjects, VirtualService } from './mesh-objects.ts';
import { startMetricsServer } from './metrics-server.ts';
import { createPodDirectory } from './pod-directory.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';
import { createPublisher } from './publisher.ts';
import { createXdsFiles } from './xds-files.ts';

// The lab's mesh: Envoy as istiod would configure it from the API server's objects, Istio's metrics, Prometheus.

export interface DataPlaneOptions {
  api: LabApi;
  /** Of its own, made when missing. */
  dir: string;
  /** Paths of the programs. */
  binaries: { envoy: string; prometheus: string };
  /** Milliseconds between scrapes; 1000 unless given. */
  scrapeIntervalMs?: number;
  lag?: Lag;
}

/** How late proxies learn of changes, in milliseconds; 0 unless given (some 100 ms pass anyway). */
export interface Lag {
  /** EndpointSlices and pods. */
  endpointLagMs?: number;
  /** VirtualServices, DestinationRules and Services. */
  routeLagMs?: number;
}

export interface DataPlane {
  /** On 127.0.0.1; the Host header says which Service is asked for. */
  httpPort: number;
  adminUrl: string;
  metricsUrl: string;
  prometheusUrl: string;
  prometheus: Pick<Prometheus, 'pause' | 'resume'>;
  /** Holds for changes seen from now on. */
  setLag(lag: Lag): void;
  stop(): Promise<void>;
}

/** Resolves when Envoy routes by the objects that were there at the call, and Prometheus answers. */
export const startDataPlane = async (options: DataPlaneOptions): Promise<DataPlane> => {
  const abort = new AbortController();
  const mirrors = openMirrors(options.api, abort.signal);
  const files = createXdsFiles(join(options.dir, 'xds'), Date.now);
  await files.prepare();
  const envoyDir = join(options.dir, 'envoy');
  await mkdir(envoyDir, { recursive: true });
  const envoy = await startEnvoy({ program: options.binaries.envoy, dir: envoyDir, ...files });
  const pods = createPodDirectory((key) => mirrors.replicaSets.get(key));
  mirrors.pods.onChange((pod, type) => (type === 'DELETED' ? pods.gone(pod) : pods.saw(pod)));
  const metrics = createIstioMetrics(pods);
  const tail = await tailAccessLog(envoy.accessLog, (entry) => metrics.record(entry));
  const exporter = await startMetricsServer(() => metrics.text());
  const [prometheus, views] = await Promise.all([
    startPrometheus({
      program: options.binaries.prometheus,
      dir: join(options.dir, 'prometheus'),
      targetUrl: exporter.url,
      ...(options.scrapeIntervalMs === undefined ? {} : { scrapeIntervalMs: options.scrapeIntervalMs }),
    }),
    followMirrors(mirrors),
  ]);
  const publisher = createPublisher(
    () =>
      envoyConfig(views.routing.value(), views.serving.value(), (cluster) => files.endpointsPath(cluster)),
    (config) => files.publish(config, (kind, version) => envoy.accepted(kind, version, abort.signal)),
  );
  await publisher.publish();
  views.routing.onChange(() => publisher.request());
  views.serving.onChange(() => publisher.request());
  const setLag = ({ endpointLagMs = 0, routeLagMs = 0 }: Lag): void => {
    views.serving.setLag(endpointLagMs);
    views.routing.setLag(routeLagMs);
  };
  setLag(options.lag ?? {});
  return {
    httpPort: envoy.httpPort,
    adminUrl: envoy.adminUrl,
    metricsUrl: exporter.url,
    prometheusUrl: prometheus.url,
    prometheus,
    setLag,
    stop: async () => {
      abort.abort();
      views.routing.stop();
      views.serving.stop();
      await publisher.stop();
      await Promise.all([envoy.stop(), prometheus.stop(), exporter.stop(), tail.stop()]);
    },
  };
};

const ISTIO = '/apis/networking.istio.io/v1';

const openMirrors = (api: LabApi, signal: AbortSignal) => ({
  services: api.mirror<Service>('/api/v1/services', signal),
  pods: api.mirror<Pod>('/api/v1/pods', signal),
  replicaSets: api.mirror<ReplicaSet>('/apis/apps/v1/replicasets', signal),
  endpointSlices: api.mirror<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices', signal),
  virtualServices: api.mirror<VirtualService>(`${ISTIO}/virtualservices`, signal),
  destinationRules: api.mirror<DestinationRule>(`${ISTIO}/destinationrules`, signal),
});

type Mirrors = ReturnType<typeof openMirrors>;

interface Views {
  routing: Lagged<RouteObjects>;
  serving: Lagged<EndpointObjects>;
}

// Istio's kinds are not waited for: their CRDs may never come.
const followMirrors = async (mirrors: Mirrors): Promise<Views> => {
  await Promise.all([mirrors.services.ready, mirrors.pods.ready, mirrors.endpointSlices.ready]);
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
