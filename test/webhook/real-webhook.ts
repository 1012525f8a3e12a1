import { createHealth } from '../../src/telemetry/health.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createWebhookApp, type WebhookAppDependencies } from '../../src/webhook/app.ts';
import { createDeploymentDecision } from '../../src/webhook/deployment-decision.ts';
import { createHandler } from '../../src/webhook/handler.ts';
import type { Decide } from '../../src/webhook/review.ts';
import { createRouteDecision } from '../../src/webhook/route-decision.ts';
import { quietLog } from '../telemetry/quiet-log.ts';

/** The webhook with its real decisions, in an empty cluster. */
export const realWebhook = (overrides: Partial<WebhookAppDependencies> = {}) => {
  const { log, entries } = quietLog();
  const metrics = createMetrics();
  const ownUsername = () => 'system:serviceaccount:kanari-system:kanari';
  const handlerOf = (decide: Decide) => createHandler({ decide, log, metrics, now: () => 0 });
  const handlers = {
    '/mutate': handlerOf(
      createDeploymentDecision({
        namespaces: { get: () => undefined },
        canaryPolicies: { inNamespace: () => [] },
        replicaSets: { inNamespace: () => [] },
        ownUsername,
        metricsConfigured: true,
        callersOutsideMesh: () => false,
        onUngated: () => {},
      }),
    ),
    '/mutate-routes': handlerOf(createRouteDecision(ownUsername)),
  };
  const health = createHealth();
  const app = createWebhookApp({ handlers, log, health, registry: metrics.registry, ...overrides });
  return { app, handlers, health, metrics, entries };
};
