import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KeyPair } from '../certs/authority.ts';
import type { Logger } from '../telemetry/log.ts';

export interface ListeningServer {
  /** Listens until the signal aborts, then finishes what is in flight and resolves. Rejects when it can't listen. */
  run: (signal: AbortSignal) => Promise<void>;
  /** The port listened on, once it is. */
  port: () => number | undefined;
}

export interface WebhookServer extends ListeningServer {
  /** Serves new connections with this certificate; the first one also lets `run` listen. */
  use: (pair: KeyPair) => void;
}

export interface ServerOptions {
  app: RequestListener;
  /** 0 for any. */
  port: number;
  log: Logger;
}

const TIMEOUTS = {
  // The API server keeps idle connections for 90 s; closing first would reset a request on its way.
  keepAliveTimeout: 95_000,
  headersTimeout: 2_000,
  // A review not received by then can't be answered within the API server's 3 s either.
  requestTimeout: 2_500,
  connectionsCheckingInterval: 500,
};

const TLS = { minVersion: 'TLSv1.3' } as const;

const listening = (server: Server | HttpsServer, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      server.off('error', reject);
      resolve();
    });
  });

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Closes each connection with its next answer; idle ones at once. */
const closeGracefully = (server: Server | HttpsServer): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });

const createListening = (
  server: Server | HttpsServer,
  options: ServerOptions,
  name: string,
): ListeningServer => {
  let stopping = false;
  server.on('request', (_request, response) => {
    // Connections in flight when the stop came are idle afterwards, and would keep the server for 95 s.
    response.once('close', () => {
      if (stopping) setImmediate(() => server.closeIdleConnections());
    });
  });
  server.on('clientError', (_error, socket) => void socket.destroy());

  const port = (): number | undefined => (server.address() as AddressInfo | null)?.port;

  return {
    port,
    run: async (signal) => {
      await listening(server, options.port);
      server.on('error', (error) => options.log.error({ err: error, server: name }, 'server error'));
      options.log.info({ server: name, port: port() }, 'listening');
      await aborted(signal);
      stopping = true;
      await closeGracefully(server);
    },
  };
};

/** Plain HTTP, for metrics and probes. */
export const createOperationsServer = (options: ServerOptions): ListeningServer =>
  createListening(createHttpServer(TIMEOUTS, options.app), options, 'operations');

/** TLS 1.3 with a certificate that can be swapped while it serves; connections that stand keep the one they have. */
export const createWebhookServer = (options: ServerOptions): WebhookServer => {
  const server = createHttpsServer({ ...TIMEOUTS, ...TLS }, options.app);
  const listener = createListening(server, options, 'webhook');
  const certified = new AbortController();
  return {
    port: listener.port,
    use: (pair) => {
      server.setSecureContext({ ...TLS, ...pair });
      certified.abort();
    },
    run: async (signal) => {
      await aborted(AbortSignal.any([certified.signal, signal]));
      if (!signal.aborted) await listener.run(signal);
    },
  };
};
