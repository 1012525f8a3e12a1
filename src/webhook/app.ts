import express, { type ErrorRequestHandler, type Express, type RequestHandler, Router } from 'express';
import type { Registry } from 'prom-client';
import { type Health, type HealthReport, renderHealth } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/log.ts';
import type { AdmissionHandler } from './handler.ts';

// 7 MiB: two objects of the API server's own 3 MiB limit, and the envelope.
const BODY_LIMIT_BYTES = 7 * 1024 * 1024;

export interface OperationsDependencies {
  health: Health;
  registry: Registry;
}

const allowOnly =
  (...methods: string[]): RequestHandler =>
  (request, response) => {
    response
      .set('allow', methods.join(', '))
      .status(405)
      .json({ error: `${request.method} is not served here` });
  };

const answerHealth =
  (report: () => HealthReport): RequestHandler =>
  (_request, response) => {
    const current = report();
    response
      .status(current.ok ? 200 : 503)
      .type('text/plain')
      .send(renderHealth(current));
  };

const requireJson: RequestHandler = (request, response, next) => {
  if (request.is('application/json') === 'application/json') return next();
  response.status(415).json({ error: 'expected content type application/json' });
};

/** `/healthz`, `/readyz` and `/metrics`. */
const operations = ({ health, registry }: OperationsDependencies): Router => {
  const router = Router();
  router.route('/healthz').get(answerHealth(health.liveness)).all(allowOnly('GET'));
  router.route('/readyz').get(answerHealth(health.readiness)).all(allowOnly('GET'));
  router
    .route('/metrics')
    .get(async (_request, response) => {
      const text = await registry.metrics();
      response.type(registry.contentType).send(text);
    })
    .all(allowOnly('GET'));
  return router;
};

const answerErrors =
  (log: Logger): ErrorRequestHandler =>
  (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const status =
      error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 500;
    if (status >= 500) log.error({ err: error, path: request.path }, 'request failed');
    // Only the parser's own messages go out: those of our bugs may name what is nobody's business.
    response
      .status(status)
      .json({ error: status < 500 && error instanceof Error ? error.message : 'internal error' });
  };

const bareApp = (): Express => express().disable('x-powered-by').disable('etag');

const close = (app: Express, log: Logger): Express =>
  app
    .use((request, response) => void response.status(404).json({ error: `nothing at ${request.path}` }))
    .use(answerErrors(log));

export interface WebhookAppDependencies extends OperationsDependencies {
  /** By path: `/mutate` for Deployments, `/mutate-routes` for routes. */
  handlers: Readonly<Record<'/mutate' | '/mutate-routes', AdmissionHandler>>;
  log: Logger;
}

/** The webhook's routes; listens to nothing. */
export const createWebhookApp = ({ handlers, log, ...dependencies }: WebhookAppDependencies): Express => {
  const app = bareApp();
  // Never inflated: the API server sends plain JSON, and a small bomb would grow.
  const parseJson = express.json({ limit: BODY_LIMIT_BYTES, inflate: false });
  for (const [path, handle] of Object.entries(handlers)) {
    app
      .route(path)
      .post(requireJson, parseJson, (request, response) => {
        const { status, body } = handle(request.body);
        response.status(status).json(body);
      })
      .all(allowOnly('POST'));
  }
  app.use(operations(dependencies));
  return close(app, log);
};

/** The same operations without TLS, for probes and scrapers. */
export const createOperationsApp = ({
  log,
  ...dependencies
}: OperationsDependencies & { log: Logger }): Express => close(bareApp().use(operations(dependencies)), log);
