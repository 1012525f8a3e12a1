import { createElector, type Elector } from '../kube/lease.ts';
import { systemTiming } from '../kube/timing.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import { createCustomMetrics, createMetricClients, createMetricProvider } from './metric-servers.ts';
import { alertsOf, createOutbound } from './outbound.ts';
import { createRouters } from './routers.ts';
import { type Shared, tellUngated } from './shared.ts';

/** The scheduler, run by the one process that holds the Lease. */
export const createLeader = (shared: Shared): Elector => {
  const { config, log, metrics, recorder, reader, writer, stores } = shared;
  const { propagationWaitMs, lookIntervalMs } = config;
  const clients = createMetricClients(shared);
  const scheduler = createScheduler({
    stores,
    routerFor: createRouters(shared),
    provider: createMetricProvider(shared, clients),
    customMetrics: createCustomMetrics(shared, clients),
    send: createOutbound(shared),
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
    operator: { propagationWaitMs, lookIntervalMs, alerts: alertsOf(shared) },
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
