import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

// Stands for the Service in front of Kanari: connections go in turn to the replicas that are ready, one attempt each.

/** A replica: where it serves, and where it says whether it is ready. */
export interface Backend {
  port: number;
  /** Base URL of `/readyz`. */
  operationsUrl: string;
}

export interface Balancer {
  port: number;
  add(backend: Backend): void;
  /** The connections passed on so far to each port. */
  connections(): ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

// A kubelet probes every 2 s, and proxies learn a moment later; a shorter cycle lets tests be short.
const PROBE_MS = 100;
const PROBE_DEADLINE_MS = 1_000;

/** Undefined where no answer came in time: on a busy machine that says nothing about this replica. */
const isReady = async ({ operationsUrl }: Backend): Promise<boolean | undefined> => {
  try {
    return (await fetch(`${operationsUrl}/readyz`, { signal: AbortSignal.timeout(PROBE_DEADLINE_MS) })).ok;
  } catch (error) {
    return (error as Error).name === 'TimeoutError' ? undefined : false;
  }
};

const join = (client: Socket, backend: Socket): void => {
  client.pipe(backend).pipe(client);
  for (const [one, other] of [
    [client, backend],
    [backend, client],
  ] as const) {
    one.on('error', () => other.destroy()).on('close', () => other.destroy());
  }
};

export const startBalancer = async (): Promise<Balancer> => {
  const backends: Backend[] = [];
  const counts = new Map<number, number>();
  const stopping = new AbortController();
  let ready: Backend[] = [];
  let turn = 0;
  const probe = async (): Promise<void> => {
    const probed = [...backends];
    const found = await Promise.all(probed.map(isReady));
    ready = probed.filter((backend, index) => found[index] ?? ready.includes(backend));
  };
  // One after the other: an old answer must not overtake a newer one.
  const probing = (async () => {
    while (!stopping.signal.aborted) {
      await probe();
      await sleep(PROBE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();

  const clients = new Set<Socket>();
  const server: Server = createServer((client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client)).on('error', () => undefined);
    turn += 1;
    const backend = ready[turn % ready.length];
    if (backend === undefined) return void client.destroy();
    counts.set(backend.port, (counts.get(backend.port) ?? 0) + 1);
    join(client, connect(backend.port, '127.0.0.1'));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    port,
    add: (backend) => void backends.push(backend),
    connections: () => counts,
    stop: async () => {
      stopping.abort();
      await probing;
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
