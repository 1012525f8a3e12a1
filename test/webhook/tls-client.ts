import { connect, type TLSSocket } from 'node:tls';
import type { ClientTimeouts } from '../../src/webhook/server.ts';
import { PATIENCE } from '../eventually.ts';

/** For a server whose clients share a busy machine with it, and mean well. */
export const UNHURRIED: ClientTimeouts = {
  handshakeMs: PATIENCE.timeout,
  headersMs: PATIENCE.timeout,
  requestMs: PATIENCE.timeout,
};

export interface Reply {
  /** 0 when the connection ended without an answer. */
  status: number;
  headers: string;
  body: string;
}

/** A connection of its own to the port, trusting the authority. */
export const connectTls = (port: number, ca: string): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['http/1.1'] });
    socket.once('secureConnect', () => resolve(socket)).once('error', reject);
  });

/** All that comes until the other side ends the connection. */
export const readToEnd = (socket: TLSSocket): Promise<Reply> =>
  new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const [headers = '', body = ''] = text.split('\r\n\r\n', 2);
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1] ?? 0), headers, body });
    });
  });

export interface RawRequest {
  method?: string;
  path?: string;
  /** Over those that a good request has; undefined takes one of them away. */
  headers?: Record<string, string | undefined>;
  body?: Buffer | string;
}

/** A request byte by byte as given: nothing is checked, completed or corrected. The connection ends with the answer. */
export const rawRequest = ({
  method = 'POST',
  path = '/mutate',
  headers = {},
  body = '',
}: RawRequest): Buffer => {
  const bytes = Buffer.from(body);
  const all = {
    host: 'kanari',
    connection: 'close',
    'content-type': 'application/json',
    'content-length': String(bytes.length),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) =>
    value === undefined ? '' : `${name}: ${value}\r\n`,
  );
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), bytes]);
};
