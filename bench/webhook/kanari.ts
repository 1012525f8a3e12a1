import { readFileSync } from 'node:fs';
import { createHealth } from '../../src/telemetry/health.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createWebhookApp } from '../../src/webhook/app.ts';
import { createDeploymentDecision } from '../../src/webhook/deployment-decision.ts';
import { createHandler } from '../../src/webhook/handler.ts';
import { createRouteDecision } from '../../src/webhook/route-decision.ts';
import { createWebhookServer } from '../../src/webhook/server.ts';
import { NAMESPACE } from '../shop.ts';

// Kanari's webhook as a process of its own, the way main.ts puts it together, without a cluster behind it.
// Arguments: certificate and key, PEM files. Prints the port it listens on.

const [certFile = '', keyFile = ''] = process.argv.slice(2);
const log = createLog('info', process.stderr);
const metrics = createMetrics();
const handler = (decide: Parameters<typeof createHandler>[0]['decide']) =>
  createHandler({ decide, log, metrics, now: () => performance.now() });
const app = createWebhookApp({
  handlers: {
    '/mutate': handler(
      createDeploymentDecision({
        namespaces: { get: () => NAMESPACE },
        canaryPolicies: { inNamespace: () => [] },
        replicaSets: { inNamespace: () => [] },
        ownUsername: () => 'system:serviceaccount:kanari-system:kanari',
        metricsConfigured: true,
        callersOutsideMesh: () => false,
        onUngated: () => undefined,
      }),
    ),
    '/mutate-routes': handler(createRouteDecision(() => undefined)),
  },
  log,
  health: createHealth(),
  registry: metrics.registry,
});
const server = createWebhookServer({ app, port: 0, log });
server.use({ cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') });
const ended = server.run(new AbortController().signal);
const announce = setInterval(() => {
  const port = server.port();
  if (port === undefined) return;
  console.log(port);
  clearInterval(announce);
}, 10);
await ended;
