import { createServer, type RequestListener, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { failsAt, type PodBehaviour } from './pod-behaviour.ts';

// EndpointSlices refuse loopback addresses, so pods have 10.244.x.y in the API and serve on 127.244.x.y
// (Linux answers on all of 127.0.0.0/8 without being asked to).

export const POD_NETWORK = '10.244.';
const LOOPBACK_NETWORK = '127.244.';

/** Where the pod with this IP can really be reached. */
export const loopbackOf = (podIp: string): string =>
  podIp.startsWith(POD_NETWORK) ? `${LOOPBACK_NETWORK}${podIp.slice(POD_NETWORK.length)}` : podIp;

export interface PodServer {
  podIp: string;
  /** Ends idle and busy connections. */
  close(): Promise<void>;
}

export interface PodServerOptions {
  pod: string;
  namespace: string;
  behaviour: PodBehaviour;
  ports: readonly number[];
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
  const answer = createAnswer(options);
  for (;;) {
    const podIp = nextIp();
    const servers: Server[] = [];
    const close = async (): Promise<void> => void (await Promise.all(servers.map(closeServer)));
    try {
      for (const port of options.ports) servers.push(await listen(answer, port, loopbackOf(podIp)));
      return { podIp, close };
    } catch (error) {
      await close();
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
};

const createAnswer = ({ pod, namespace, behaviour }: PodServerOptions): RequestListener => {
  const { version, errorPercent, latencyMs } = behaviour;
  const body = JSON.stringify({ pod, namespace, version });
  const headers = { 'content-type': 'application/json', 'x-version': version, 'x-pod': pod };
  let requests = 0;
  return (request, response) => {
    requests += 1;
    const status = failsAt(requests, errorPercent) ? 500 : 200;
    // Unread bodies would block the connection for the next request.
    request.resume();
    const respond = (): void => void response.writeHead(status, headers).end(body);
    if (latencyMs === 0) respond();
    else void sleep(latencyMs).then(respond);
  };
};

const listen = (answer: RequestListener, port: number, host: string): Promise<Server> =>
  new Promise((resolve, reject) => {
    // Longer than any proxy keeps an idle connection: otherwise a request meets a connection being closed.
    const server = createServer({ keepAliveTimeout: 600_000 }, answer);
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
