import { join } from 'node:path';
import { createIstioMetrics } from './istio-metrics.ts';
import type { Lab } from './lab.ts';
import { firstLists, openMirrors } from './mesh-mirrors.ts';
import { startMetricsServer } from './metrics-server.ts';
import { createPodDirectory } from './pod-directory.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';
import { type Lag, type Proxy, type ProxyOptions, startProxy } from './proxy.ts';

// The lab's mesh: proxies as istiod would configure them from the API server's objects, Istio's metrics, Prometheus.

export interface DataPlaneOptions {
  /** Where pods tell of the requests they have answered: only there are mirrored ones seen. */
  lab: Pick<Lab, 'api' | 'onServed'>;
  /** Of its own, made when missing. */
  dir: string;
  /** Paths of the programs. */
  binaries: { envoy: string; prometheus: string };
  /** Milliseconds between scrapes; 1000 unless given. */
  scrapeIntervalMs?: number;
  /** The clients' proxies, an Envoy each; one of the namespace `default` unless given. */
  proxies?: readonly ProxyOptions[];
  /** Of every proxy that has none of its own. */
  lag?: Lag;
  /** False: no proxy ever tries twice, whatever the routes say. Default true. */
  retries?: boolean;
}

export interface DataPlane {
  /** In the order of the options. */
  proxies: readonly Proxy[];
  /** Of the first proxy. */
  httpPort: number;
  adminUrl: string;
  metricsUrl: string;
  prometheusUrl: string;
  prometheus: Pick<Prometheus, 'pause' | 'resume'>;
  /** Of every proxy; holds for changes seen from now on. */
  setLag(lag: Lag): void;
  stop(): Promise<void>;
}

/** Resolves when every proxy routes by the objects that were there at the call, and Prometheus answers. */
export const startDataPlane = async (options: DataPlaneOptions): Promise<DataPlane> => {
  const abort = new AbortController();
  const mirrors = openMirrors(options.lab.api, abort.signal);
  const pods = createPodDirectory((key) => mirrors.replicaSets.get(key));
  mirrors.pods.onChange((pod, type) => (type === 'DELETED' ? pods.gone(pod) : pods.saw(pod)));
  const metrics = createIstioMetrics(pods);
  options.lab.onServed((request) => metrics.recordMirrored(request));
  const exporter = await startMetricsServer(() => metrics.text());
  await firstLists(mirrors);
  const [prometheus, ...proxies] = await Promise.all([
    startPrometheus({
      program: options.binaries.prometheus,
      dir: join(options.dir, 'prometheus'),
      targetUrl: exporter.url,
      ...(options.scrapeIntervalMs === undefined ? {} : { scrapeIntervalMs: options.scrapeIntervalMs }),
    }),
    ...proxiesOf(options).map((proxy, index) =>
      startProxy(proxy, {
        program: options.binaries.envoy,
        dir: join(options.dir, `proxy-${index}`),
        mirrors,
        onRequest: (entry) => metrics.record(entry, proxy.namespace),
      }),
    ),
  ]);
  const [first] = proxies;
  if (first === undefined) throw new Error('a mesh needs a proxy');
  return {
    proxies,
    httpPort: first.httpPort,
    adminUrl: first.adminUrl,
    metricsUrl: exporter.url,
    prometheusUrl: prometheus.url,
    prometheus,
    setLag: (lag) => {
      for (const proxy of proxies) proxy.setLag(lag);
    },
    stop: async () => {
      abort.abort();
      await Promise.all([...proxies.map((proxy) => proxy.stop()), prometheus.stop(), exporter.stop()]);
    },
  };
};

const proxiesOf = ({
  proxies = [{ namespace: 'default' }],
  lag,
  retries,
}: DataPlaneOptions): ProxyOptions[] =>
  proxies.map((proxy) => ({
    ...(lag === undefined ? {} : { lag }),
    ...(retries === undefined ? {} : { retries }),
    ...proxy,
  }));
