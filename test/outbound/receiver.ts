import * as http from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

// Real servers on loopback for what Kanari sends.

export interface Received {
  path: string;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export type Script = (received: Received, response: http.ServerResponse) => void;

export interface Receiver {
  url: string;
  port: number;
  /** In order, each with the whole of its body. */
  received: Received[];
  /** Also ends what it has left unanswered. */
  close(): Promise<void>;
}

const portOf = (address: string | AddressInfo | null): number => (address as AddressInfo).port;

/** Does what the script says with each request. */
export const openReceiver = async (script: Script): Promise<Receiver> => {
  const received: Received[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('utf8');
    });
    request.on('end', () => {
      const seen = { path: request.url ?? '', headers: request.headers, body };
      received.push(seen);
      script(seen, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server.address());
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, port, received, close };
};

/** For the test that starts it; by default answers 200. */
export const startReceiver = async (
  script: Script = (_, response) => void response.end('ok'),
): Promise<Receiver> => {
  const receiver = await openReceiver(script);
  onTestFinished(() => receiver.close());
  return receiver;
};

/** For the test that starts it. Speaks no HTTP of its own accord: does what the script says with each connection. */
export const startSocketServer = async (script: (socket: Socket) => void) => {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    script(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${portOf(server.address())}` };
};
