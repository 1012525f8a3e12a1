import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
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

/** Milliseconds that a client may take to shake hands, to send the headers of a request, and to send all of it. */
export interface ClientTimeouts {
  handshakeMs: number;
  headersMs: number;
  requestMs: number;
}

export interface ServerOptions {
  app: RequestListener;
  /** 0 for any. */
  port: number;
  log: Logger;
  /** From then on each answer is the last of its connection, so that clients look for another replica. */
  draining?: () => boolean;
  /** Default 1,024. */
  mostConnections?: number;
  /** Default 3 s, 2 s and 2.5 s. */
  clientTimeouts?: ClientTimeouts;
  /** A connection beyond them was closed at once. */
  onDropped?: () => void;
}

// The API server keeps idle connections for 90 s; closing first would reset a request on its way.
const KEEP_ALIVE_MS = 95_000;

// An API server has one for each call under way, and keeps those it needed last: a few hundred in a large cluster.
const MOST_CONNECTIONS = 1_024;

const CLIENT_TIMEOUTS: ClientTimeouts = {
  // Nobody waits longer for an answer.
  handshakeMs: 3_000,
  headersMs: 2_000,
  // A review not received by then can't be answered within the API server's 3 s either.
  requestMs: 2_500,
};

const timeoutsOf = ({ headersMs, requestMs }: ClientTimeouts) => ({
  keepAliveTimeout: KEEP_ALIVE_MS,
  headersTimeout: headersMs,
  requestTimeout: requestMs,
  connectionsCheckingInterval: 500,
});

const TLS = { minVersion: 'TLSv1.3' } as const;

/** Undefined for what went wrong below HTTP: nobody there could read an answer. */
const statusLineOf = ({ code = '' }: NodeJS.ErrnoException): string | undefined => {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout';
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  return code.startsWith('HPE_') ? '400 Bad Request' : undefined;
};

/** Answers what never became a complete request. `answer` is the last one of that connection. */
const refuseClient = (
  error: NodeJS.ErrnoException,
  socket: Socket,
  answer: ServerResponse | undefined,
): void => {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0) {
    // Clients open connections ahead of need. A request that comes after all must not meet a 408 halfway.
    socket.setTimeout(KEEP_ALIVE_MS);
    return;
  }
  const isHalfAnswered = answer?.headersSent === true && !answer.writableFinished;
  const status = statusLineOf(error);
  if (status === undefined || !socket.writable || isHalfAnswered) return void socket.destroy();
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`, () => socket.destroy());
};

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

/** Connections on which no request has come yet: Node counts them as busy. */
const trackUnused = (server: Server | HttpsServer): ReadonlySet<Socket> => {
  const unused = new Set<Socket>();
  server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage) => unused.delete(socket));
  return unused;
};

/** Closes each connection with its next answer; idle ones at once. */
const closeGracefully = (server: Server | HttpsServer, unused: ReadonlySet<Socket>): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    for (const socket of unused) if (socket.bytesRead === 0) socket.destroy();
  });

const createListening = (
  server: Server | HttpsServer,
  options: ServerOptions,
  name: string,
): ListeningServer => {
  let stopping = false;
  server.maxConnections = options.mostConnections ?? MOST_CONNECTIONS;
  server.on('drop', () => options.onDropped?.());
  const unused = trackUnused(server);
  const answers = new WeakMap<Duplex, ServerResponse>();
  // Ahead of the app, which may answer at once.
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    answers.set(request.socket, response);
    if (stopping || options.draining?.() === true) response.setHeader('connection', 'close');
    // Connections in flight when the stop came are idle afterwards, and would keep the server for 95 s.
    response.once('close', () => {
      if (stopping) setImmediate(() => server.closeIdleConnections());
    });
  });
  server.on('clientError', (error, socket) => refuseClient(error, socket as Socket, answers.get(socket)));

  const port = (): number | undefined => (server.address() as AddressInfo | null)?.port;

  return {
    port,
    run: async (signal) => {
      await listening(server, options.port);
      server.on('error', (error) => options.log.error({ err: error, server: name }, 'server error'));
      options.log.info({ server: name, port: port() }, 'listening');
      await aborted(signal);
      stopping = true;
      await closeGracefully(server, unused);
    },
  };
};

/** Plain HTTP, for metrics and probes. */
export const createOperationsServer = (options: ServerOptions): ListeningServer => {
  const timeouts = timeoutsOf(options.clientTimeouts ?? CLIENT_TIMEOUTS);
  return createListening(createHttpServer(timeouts, options.app), options, 'operations');
};

/** TLS 1.3 with a certificate that can be swapped while it serves; connections that stand keep the one they have. */
export const createWebhookServer = (options: ServerOptions): WebhookServer => {
  const clientTimeouts = options.clientTimeouts ?? CLIENT_TIMEOUTS;
  const server = createHttpsServer(
    { ...timeoutsOf(clientTimeouts), ...TLS, handshakeTimeout: clientTimeouts.handshakeMs },
    options.app,
  );
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
