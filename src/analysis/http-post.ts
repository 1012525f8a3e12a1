import * as http from 'node:http';
import * as https from 'node:https';
import { linkDeadline } from '../kube/linked-signal.ts';

// One bounded POST over kept-alive connections. Whatever the server does is a value, never an exception.

export type PostOutcome =
  | { kind: 'answer'; status: number; body: string }
  /** No answer: refused, reset, name not found, too slow. */
  | { kind: 'unreachable'; message: string }
  /** An answer that can't be used as it is: too large, compressed, cut off. */
  | { kind: 'unusable'; message: string };

export interface PostOptions {
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
}

/** Sends `body`; follows no redirect, asks for no compression. */
export type Post = (url: URL, options: PostOptions) => Promise<PostOutcome>;

export interface PostLimits {
  /** Milliseconds for the whole exchange, body included. */
  timeoutMs: number;
  /** Bytes of body accepted. */
  maxBytes: number;
}

const unreachable = (error: unknown): PostOutcome => {
  if (!(error instanceof Error)) return { kind: 'unreachable', message: 'no answer' };
  if (error.name === 'TimeoutError') return { kind: 'unreachable', message: 'no answer in time' };
  // An AggregateError (both address families refused) has a code and no message. Neither carries the URL's user.
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { kind: 'unreachable', message: code ?? error.name };
};

const readBody = async (response: http.IncomingMessage, maxBytes: number): Promise<PostOutcome> => {
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

const respond = (request: http.ClientRequest, body: string): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.once('response', resolve);
    // `on`: an aborted request may report twice, and an unheard error would end the process.
    request.on('error', reject);
    request.end(body);
  });

/** A POST with its own pool of connections for life. */
export const createPost = ({ timeoutMs, maxBytes }: PostLimits): Post => {
  const plain = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const secure = new https.Agent({ keepAlive: true, maxSockets: 4 });
  return async (url, { headers, body, signal }) => {
    const deadline = linkDeadline(signal, timeoutMs, () => new DOMException('no answer', 'TimeoutError'));
    const options = { method: 'POST', headers, signal: deadline.signal };
    try {
      const request =
        url.protocol === 'https:'
          ? https.request(url, { ...options, agent: secure })
          : http.request(url, { ...options, agent: plain });
      return await readBody(await respond(request, body), maxBytes);
    } catch (error) {
      return unreachable(deadline.signal.aborted ? deadline.signal.reason : error);
    } finally {
      deadline.unlink();
    }
  };
};
