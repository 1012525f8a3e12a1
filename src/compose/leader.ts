import { createPrometheusProvider } from '../analysis/prometheus.ts';
import { isGatewayRoute } from '../core/gateway-api/route.ts';
import { createElector, type Elector } from '../kube/lease.ts';
import { systemTiming } from '../kube/timing.ts';
import { createScheduler, type SchedulerOptions } from '../scheduler/scheduler.ts';
import { standingSplits } from '../scheduler/wake.ts';
import { createCompositeRouter } from '../traffic/composite.ts';
import { createGatewayRouter } from '../traffic/gateway-api.ts';
import { createIstioRouter } from '../traffic/istio.ts';
import { createIstioOrReplicas } from '../traffic/istio-or-replicas.ts';
import { createPassiveRouter } from '../traffic/replica-ratio.ts';
import { type RoutedProvider, selectProvider } from '../traffic/select-router.ts';
import { type Shared, tellUngated } from './shared.ts';

const METRICS_TIMEOUT_MS = 5_000;

type RouterFor = SchedulerOptions['routerFor'];

const selectIn = (
  { stores }: Shared,
  { settings, namespace, services }: Parameters<RouterFor>[0],
): RoutedProvider => {
  const at = namespace.metadata.name;
  const gatewayRoutes = [...stores.httpRoutes.inNamespace(at), ...stores.grpcRoutes.inNamespace(at)];
  return selectProvider({
    setting: settings.traffic,
    namespace,
    services: services.map((service) => service.metadata.name),
    virtualServices: stores.virtualServices.inNamespace(at),
    destinationRules: stores.destinationRules.inNamespace(at),
    gatewayRoutes: gatewayRoutes.filter(isGatewayRoute),
  });
};

const createRouters = (shared: Shared): RouterFor => {
  const { reader, writer, log, stores } = shared;
  const istio = createIstioRouter({ stores, writer, reader, log });
  const gatewayApi = createGatewayRouter({ stores, writer, reader, log });
  const passive = { replicas: createPassiveRouter('replicas'), none: createPassiveRouter('none') };
  const both = createCompositeRouter(gatewayApi, istio);
  const istioOrReplicas = createIstioOrReplicas({ istio, replicas: passive.replicas, stores });
  return (at) => {
    const { key, namespace, services } = at;
    // A split that stands is its provider's to the end, though the setting may have changed.
    const standing = standingSplits(stores, key);
    if (standing.gatewayApi) return standing.istio ? both : gatewayApi;
    // Without a Service there may still be routes to give back, of one that was deleted.
    if (services.length === 0) return istio;
    if (standing.istio) return istioOrReplicas({ key, namespace, services, isSplit: true });
    const provider = selectIn(shared, at);
    if (provider === 'gateway-api') return gatewayApi;
    if (provider !== 'istio') return passive[provider];
    return istioOrReplicas({ key, namespace, services, isSplit: false });
  };
};

/** The scheduler, run by the one process that holds the Lease. */
export const createLeader = (shared: Shared): Elector => {
  const { config, log, metrics, recorder, reader, writer, stores } = shared;
  const { prometheusUrl, propagationWaitMs, lookIntervalMs } = config;
  const scheduler = createScheduler({
    stores,
    routerFor: createRouters(shared),
    provider:
      prometheusUrl === undefined
        ? undefined
        : createPrometheusProvider({
            url: prometheusUrl,
            log,
            timeoutMs: METRICS_TIMEOUT_MS,
            onQuery: (outcome) => metrics.metricQueries.inc({ outcome }),
          }),
    effects: {
      reader,
      writer,
      sleep: systemTiming.sleep,
      now: () => new Date(),
      ungated: tellUngated(shared),
      record: (objects, event) => {
        for (const object of objects) void recorder.record(object, event);
      },
    },
    operator: { propagationWaitMs, lookIntervalMs },
    log,
    fence: () => elector.fence(),
    onReconciled: ({ seconds, failed }) => {
      metrics.reconcileDuration.observe(seconds);
      if (failed) metrics.reconcileErrors.inc();
      metrics.queueDepth.set(scheduler.waiting());
      metrics.activeRuns.set(scheduler.activeRuns());
    },
    onEnded: (outcome) => metrics.runs.inc({ outcome }),
  });
  const elector = createElector({
    writer,
    reader,
    lease: { namespace: config.namespace, name: 'kanari' },
    identity: config.identity,
    log,
    onStartedLeading: async (signal) => {
      metrics.leader.set(1);
      await scheduler.run(signal);
      metrics.leader.set(0);
    },
  });
  return elector;
};
