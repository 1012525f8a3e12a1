import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import type { Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { failsAt, type PodBehaviour } from './pod-behaviour.ts';
import { createConversation, createEncryptedServer, createTcpServer } from './pod-connections.ts';
import { POD_NETWORK, servedAt } from './pod-network.ts';

// What a pod does: real HTTP on its address, as its image tag says.

export interface PodServer {
  podIp: string;
  /** Ends idle and busy connections. */
  close(): Promise<void>;
}

export interface PodServerOptions {
  pod: string;
  namespace: string;
  behaviour: PodBehaviour;
  ports: readonly PodPort[];
  /** Told of every HTTP request when it is answered. */
  onServed?: (request: ServedRequest) => void;
}

export interface PodPort {
  port: number;
  speaks: 'http' | 'tcp' | 'tls';
}

/** A request as the pod's own proxy would see it. */
export interface ServedRequest {
  podIp: string;
  host: string;
  status: number;
  durationMs: number;
}

/** Gives out addresses one after the other, around again after 65 000. */
export const createAddressPool = (first: number): (() => string) => {
  const HOSTS = 254 * 254;
  let next = first;
  return () => {
    const index = next++ % HOSTS;
    return `${POD_NETWORK}${1 + Math.floor(index / 254)}.${1 + (index % 254)}`;
  };
};

/** Serves on the first address of the pool that is free: another lab may run on this machine. */
export const startPodServer = async (options: PodServerOptions, nextIp: () => string): Promise<PodServer> => {
  for (;;) {
    const podIp = nextIp();
    const servers = await createServers(options, podIp);
    const close = async (): Promise<void> => void (await Promise.all(servers.map(({ close: end }) => end())));
    try {
      for (const { server, port } of servers) await listen(server, port, servedAt(podIp));
      return { podIp, close };
    } catch (error) {
      await close();
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
};

interface PortServer {
  port: number;
  server: Server;
  /** With all its connections. */
  close: () => Promise<void>;
}

const createServers = (options: PodServerOptions, podIp: string): Promise<PortServer[]> => {
  const answer = createAnswer(options, podIp);
  const conversation = createConversation(options);
  return Promise.all(
    options.ports.map(async ({ port, speaks }) => {
      if (speaks === 'http') {
        // Longer than any proxy keeps an idle connection: otherwise a request meets a connection being closed.
        const server = createServer({ keepAliveTimeout: 600_000 }, answer);
        return { port, server, close: () => closeHttp(server) };
      }
      const server =
        speaks === 'tcp' ? createTcpServer(conversation) : await createEncryptedServer(conversation);
      return { port, server, close: closerOf(server) };
    }),
  );
};

const createAnswer = (
  { pod, namespace, behaviour, onServed = () => undefined }: PodServerOptions,
  podIp: string,
): RequestListener => {
  const { version, errorPercent, latencyMs } = behaviour;
  const body = JSON.stringify({ pod, namespace, version });
  const headers = { 'content-type': 'application/json', 'x-version': version, 'x-pod': pod };
  let requests = 0;
  return (request, response) => {
    requests += 1;
    const status = failsAt(requests, errorPercent) ? 500 : 200;
    // Unread bodies would block the connection for the next request.
    request.resume();
    const respond = (): void => {
      response.writeHead(status, headers).end(body);
      onServed({ podIp, host: request.headers.host ?? '', status, durationMs: latencyMs });
    };
    if (latencyMs === 0) respond();
    else void sleep(latencyMs).then(respond);
  };
};

const listen = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });

const closeHttp = (server: HttpServer): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

// Only the HTTP server of Node knows its connections.
const closerOf = (server: Server): (() => Promise<void>) => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
};
