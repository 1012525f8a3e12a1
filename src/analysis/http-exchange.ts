import type * as http from 'node:http';
import { completeBefore } from '../kube/linked-signal.ts';
import { type Connect, createConnect, ProxyRefusal, type TlsMaterial } from './http-connect.ts';

// One bounded exchange over kept-alive connections. Whatever the server does is a value, never an exception.

export type HttpOutcome =
  | { kind: 'answer'; status: number; body: string }
  /** No answer: refused, reset, name not found, a certificate that is not accepted, too slow. */
  | { kind: 'unreachable'; message: string }
  /** An answer that can't be used as it is: too large, compressed, cut off. */
  | { kind: 'unusable'; message: string }
  /** Nothing was sent: a file of the credentials can't be read or used. */
  | { kind: 'uncredentialed'; message: string };

export interface HttpRequest {
  method: 'GET' | 'POST';
  /** Without user and password. */
  url: URL;
  headers: Record<string, string>;
  body?: string;
  tls?: TlsMaterial;
  signal: AbortSignal;
}

/** Sends; follows no redirect, asks for no compression. */
export type Exchange = (request: HttpRequest) => Promise<HttpOutcome>;

export interface ExchangeOptions {
  /** Milliseconds for the whole exchange, body included. */
  timeoutMs: number;
  /** Bytes of body accepted. */
  maxBytes: number;
  /** An HTTP proxy on the way. */
  proxyUrl?: string | undefined;
}

const unreachable = (error: unknown): HttpOutcome => {
  if (!(error instanceof Error)) return { kind: 'unreachable', message: 'no answer' };
  if (error instanceof ProxyRefusal) return { kind: 'unreachable', message: error.message };
  if (error.name === 'TimeoutError') return { kind: 'unreachable', message: 'no answer in time' };
  // An AggregateError (both address families refused) has a code and no message. Neither carries the URL's user.
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { kind: 'unreachable', message: code ?? error.name };
};

const readBody = async (response: http.IncomingMessage, maxBytes: number): Promise<HttpOutcome> => {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    response.destroy();
    return { kind: 'unusable', message: `the answer is compressed (${encoding}), which was not asked for` };
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      response.destroy();
      return { kind: 'unusable', message: `the answer is larger than ${maxBytes} bytes` };
    }
    chunks.push(chunk);
  }
  return { kind: 'answer', status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
};

const respond = (connect: Connect, request: HttpRequest): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { signal } = request;
    const { url, method, tls } = request;
    const headers = { ...request.headers, 'accept-encoding': 'identity' };
    const outgoing = connect(url, { method, headers, signal, ...(tls === undefined ? {} : { tls }) });
    outgoing.once('response', resolve);
    // `on`: an aborted request may report twice, and an unheard error would end the process.
    outgoing.on('error', reject);
    // A request that still waits for its connection says nothing when it is aborted.
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    outgoing.end(request.body);
  });

/** Exchanges with a pool of connections of their own for life. */
export const createExchange = ({ timeoutMs, maxBytes, proxyUrl }: ExchangeOptions): Exchange => {
  const connect = createConnect({ proxyUrl, timeoutMs });
  const reason = (): DOMException => new DOMException('no answer', 'TimeoutError');
  return async (request) => {
    try {
      return await completeBefore({ parent: request.signal, ms: timeoutMs, reason }, async (signal) =>
        readBody(await respond(connect, { ...request, signal }), maxBytes),
      );
    } catch (error) {
      return unreachable(error);
    }
  };
};
