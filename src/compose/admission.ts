import { createCertificateFiles } from '../certs/certificate-files.ts';
import { createKeyringSecret } from '../certs/keyring-secret.ts';
import { createKeyringSource } from '../certs/keyring-source.ts';
import { type CertRotator, createRotator } from '../certs/rotator.ts';
import { systemTiming } from '../kube/timing.ts';
import { createOutsideCallers } from '../traffic/outside-callers.ts';
import { createWebhookApp } from '../webhook/app.ts';
import { createDeploymentDecision } from '../webhook/deployment-decision.ts';
import { createHandler } from '../webhook/handler.ts';
import type { Decide } from '../webhook/review.ts';
import { createRouteDecision } from '../webhook/route-decision.ts';
import { createWebhookServer, type WebhookServer } from '../webhook/server.ts';
import { tellOnce } from '../webhook/tell-once.ts';
import { metricsConfigured } from './metric-servers.ts';
import { type Shared, tellUngated } from './shared.ts';

/** The webhook's server, without a certificate yet. */
export const createAdmission = (shared: Shared, draining: () => boolean): WebhookServer => {
  const { config, log, metrics, health, stores, ownUsername } = shared;
  const handler = (decide: Decide) => createHandler({ decide, log, metrics, now: () => performance.now() });
  const decideDeployment = createDeploymentDecision({
    namespaces: stores.namespaces,
    canaryPolicies: stores.canaryPolicies,
    replicaSets: stores.replicaSets,
    ownUsername: () => ownUsername,
    metricsConfigured: metricsConfigured(shared),
    callersOutsideMesh: createOutsideCallers(stores),
    onUngated: tellOnce(tellUngated(shared), () => performance.now()),
  });
  const handlers = {
    '/mutate': handler(decideDeployment),
    '/mutate-routes': handler(createRouteDecision(() => ownUsername)),
  };
  const read = [stores.namespaces, stores.canaryPolicies, stores.replicaSets];
  const refused = (reason: string): void => metrics.webhookRefused.inc({ reason });
  const app = createWebhookApp({
    handlers,
    synced: { '/mutate': () => read.every((store) => store.synced()) },
    log,
    health,
    registry: metrics.registry,
    onRefused: refused,
  });
  return createWebhookServer({
    app,
    port: config.webhookPort,
    log,
    draining,
    onDropped: () => refused('TooManyConnections'),
  });
};

/** Certificates for it, from the Secret that all replicas share or from files. */
export const createCertificates = (
  { config, log, metrics, reader, writer }: Shared,
  server: WebhookServer,
): CertRotator =>
  createRotator({
    reader,
    writer,
    log,
    now: systemTiming.now,
    sleep: systemTiming.sleep,
    namespace: config.namespace,
    webhookUrl: config.webhookUrl,
    source:
      config.certDir === undefined
        ? createKeyringSource(createKeyringSecret(reader, writer, config.namespace), log)
        : createCertificateFiles(config.certDir, log),
    serve: ({ cert, key, expiresAt }) => {
      server.use({ cert, key });
      metrics.certificateExpiry.set(expiresAt.getTime() / 1_000);
    },
  });
