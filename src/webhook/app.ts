import type { ServerResponse } from 'node:http';
import express, {
  type ErrorRequestHandler,
  type Express,
  type RequestHandler,
  type Response,
  Router,
} from 'express';
import type { Registry } from 'prom-client';
import { type Health, type HealthReport, renderHealth } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/log.ts';
import type { AdmissionHandler, Answer } from './handler.ts';
import { announcedBytes, BODY_LIMIT_BYTES, decodeBody, readBody } from './json-body.ts';
import { createLoadLimit, type LoadLimit, type Overload } from './load-limit.ts';

// The API server asks again after that, within the 3 s it has.
const RETRY_AFTER_SECONDS = '1';

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

/** Never compressed: the API server sends plain JSON, and a small bomb would grow. */
const requireJson: RequestHandler = (request, response, next) => {
  const isPlain = (request.headers['content-encoding'] ?? 'identity').toLowerCase() === 'identity';
  if (isPlain && request.is('application/json') === 'application/json') return next();
  response.status(415).json({ error: 'expected content type application/json, not compressed' });
};

const refuseTooLarge = (response: Response): void =>
  void response.status(413).json({ error: `the body is larger than ${BODY_LIMIT_BYTES} bytes` });

/** Why a review is sent away though nothing is wrong with it. */
export type SentAway = Overload | 'NotSynced';
type SendAway = (response: Response, reason: SentAway) => void;

/** Says when to come back. */
const createSendAway =
  (onRefused: (reason: SentAway) => void): SendAway =>
  (response, reason) => {
    onRefused(reason);
    response.set('retry-after', RETRY_AFTER_SECONDS).status(503).json({ error: reason });
  };

/** Decided by empty caches, a release could go out that nobody is told of: an API server asks again within its 3 s. */
const awaitCaches =
  (synced: () => boolean, sendAway: SendAway): RequestHandler =>
  (_request, response, next) =>
    synced() ? next() : sendAway(response, 'NotSynced');

/** Reserves what the body may take before a byte of it is read. */
const limitLoad =
  (load: LoadLimit, sendAway: SendAway): RequestHandler =>
  (request, response, next) => {
    const bytes = announcedBytes(request) ?? BODY_LIMIT_BYTES;
    if (bytes > BODY_LIMIT_BYTES) return refuseTooLarge(response);
    const admission = load.enter(bytes);
    if (!admission.ok) return sendAway(response, admission.reason);
    response.once('close', admission.leave);
    next();
  };

/** Past Express, whose own way to send takes a seventh of the time of a review. */
const send = (response: ServerResponse, { status, body }: Answer): void => {
  const bytes = Buffer.from(JSON.stringify(body));
  const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': bytes.length };
  response.writeHead(status, headers).end(bytes);
};

const answerReview =
  (handle: AdmissionHandler): RequestHandler =>
  async (request, response) => {
    const body = await readBody(request);
    if (body === 'TooLarge') return refuseTooLarge(response);
    if (body === 'Aborted') return;
    const decoded = decodeBody(body);
    if (!decoded.ok) return void response.status(400).json({ error: decoded.message });
    send(response, handle(decoded.value));
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

/** `/mutate` for Deployments, `/mutate-routes` for routes. */
type ReviewPath = '/mutate' | '/mutate-routes';

export interface WebhookAppDependencies extends OperationsDependencies {
  handlers: Readonly<Record<ReviewPath, AdmissionHandler>>;
  /** Whether the caches that a path decides by are filled. Default: it needs none. */
  synced?: Partial<Record<ReviewPath, () => boolean>>;
  log: Logger;
  /** Default: that of one process. */
  load?: LoadLimit;
  /** A review was sent away with a 503. */
  onRefused?: (reason: SentAway) => void;
}

/** The webhook's routes; listens to nothing. */
export const createWebhookApp = (options: WebhookAppDependencies): Express => {
  const { handlers, synced = {}, log, load = createLoadLimit(), ...dependencies } = options;
  const sendAway = createSendAway(options.onRefused ?? (() => {}));
  const app = bareApp();
  for (const path of ['/mutate', '/mutate-routes'] as const) {
    const filled = awaitCaches(synced[path] ?? (() => true), sendAway);
    app
      .route(path)
      .post(requireJson, filled, limitLoad(load, sendAway), answerReview(handlers[path]))
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
