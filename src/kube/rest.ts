import type { IncomingMessage } from 'node:http';
import { type Backoff, createBackoff } from './backoff.ts';
import type { Credentials } from './credentials.ts';
import { errorFromStatus, isRetryable, isUnauthorized, KubeError, parseRetryAfter } from './errors.ts';
import { goJson } from './go-json.ts';
import { decodeJsonLines } from './json-lines.ts';
import { type LinkedSignal, linkDeadline } from './linked-signal.ts';
import type { Log } from './log.ts';
import { systemTiming, type Timing } from './timing.ts';
import { connectionError, createTransport, type Transport } from './transport.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_ATTEMPTS = 4;
// A page of 500 large objects; anything beyond is not a list but a fault.
const MAX_BODY_CHARS = 256 * 1024 * 1024;

export interface RestCall {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  /** Undefined values are left out. */
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  /** Default `application/json`. */
  contentType?: string;
  signal: AbortSignal;
  /** Milliseconds for the call with all its attempts; for a stream, until its first byte. Default 10 s. */
  timeoutMs?: number;
}

/** Raw JSON to and from the API server. */
export interface Rest {
  /** The decoded body of a 2xx answer. Throws KubeError, or the signal's reason once that aborts. */
  request(call: RestCall): Promise<unknown>;
  /**
   * Resolves once the answer has begun; then yields one decoded line after the other. The iteration ends when the
   * server ends the answer, throws KubeError when the connection breaks, and the signal's reason when that aborts.
   */
  stream(call: RestCall): Promise<AsyncIterable<unknown>>;
  /** Closes all connections; calls under way fail. */
  close(): void;
}

export interface RestOptions {
  credentials: Credentials;
  userAgent: string;
  log?: Log;
  timing?: Timing;
}

interface Parts {
  credentials: Credentials;
  transport: Transport;
  userAgent: string;
  timing: Timing;
  log: Log | undefined;
}

const urlOf = (server: string, call: RestCall): URL => {
  const url = new URL(server + call.path);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
};

const readText = async (response: IncomingMessage): Promise<string> => {
  let text = '';
  try {
    for await (const chunk of response) {
      text += chunk as string;
      if (text.length > MAX_BODY_CHARS)
        throw new KubeError({ status: 0, reason: 'Undecodable', message: 'the answer is too large' });
    }
  } catch (error) {
    throw error instanceof KubeError ? error : connectionError(error, true);
  }
  return text;
};

const decode = (text: string): unknown => {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return text;
  }
};

const isSuccess = (response: IncomingMessage): boolean =>
  response.statusCode !== undefined && response.statusCode >= 200 && response.statusCode < 300;

const sendOnce = async (parts: Parts, call: RestCall, signal: AbortSignal): Promise<IncomingMessage> => {
  const identity = await parts.credentials.identify();
  signal.throwIfAborted();
  const body = call.body === undefined ? undefined : goJson(call.body);
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': parts.userAgent };
  if (body !== undefined) {
    headers['content-type'] = call.contentType ?? 'application/json';
    headers['content-length'] = String(Buffer.byteLength(body));
  }
  const url = urlOf(parts.credentials.server, call);
  const response = await parts.transport.send({ method: call.method, url, headers, body, identity, signal });
  // Decodes across chunk borders. Warning headers of the answer are for people at a terminal and left alone.
  response.setEncoding('utf8');
  if (isSuccess(response)) return response;
  const retryAfterMs = parseRetryAfter(response.headers['retry-after']);
  throw errorFromStatus(response.statusCode ?? 0, decode(await readText(response)), retryAfterMs);
};

/** A 401 is answered before anything is done, so every call may be repeated once with fresh credentials. */
const send = async (parts: Parts, call: RestCall, signal: AbortSignal): Promise<IncomingMessage> => {
  try {
    return await sendOnce(parts, call, signal);
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    parts.credentials.renew();
    return sendOnce(parts, call, signal);
  }
};

const mayRepeat = (call: RestCall, error: unknown): error is KubeError => {
  if (!isRetryable(error)) return false;
  if (call.method === 'GET' || error.reason === 'NotSent') return true;
  // The API server refused before it did anything, and says when to come back.
  return error.status === 429 && error.retryAfterMs !== undefined;
};

const attempts = async (parts: Parts, call: RestCall, deadline: AbortSignal): Promise<unknown> => {
  const backoff: Backoff = createBackoff({ baseMs: 200, maxMs: 2_000, random: parts.timing.random });
  for (let attempt = 1; ; attempt += 1) {
    try {
      const body = decode(await readText(await send(parts, call, deadline)));
      if (typeof body !== 'string') return body;
      throw new KubeError({ status: 0, reason: 'Undecodable', message: 'the answer is no JSON' });
    } catch (error) {
      deadline.throwIfAborted();
      if (attempt === MAX_ATTEMPTS || !mayRepeat(call, error)) throw error;
      const waitMs = Math.max(backoff.next(), error.retryAfterMs ?? 0);
      // Told to come back after the deadline: the caller knows better what to do until then.
      if (waitMs > (call.timeoutMs ?? DEFAULT_TIMEOUT_MS)) throw error;
      parts.log?.debug({ path: call.path, reason: error.reason, attempt }, 'request repeated');
      await parts.timing.sleep(waitMs, deadline);
      deadline.throwIfAborted();
    }
  }
};

const linkCall = (call: RestCall): LinkedSignal => {
  const timeoutMs = call.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const message = `the API server did not answer ${call.method} ${call.path} within ${timeoutMs} ms`;
  return linkDeadline(call.signal, timeoutMs, () => new KubeError({ status: 0, reason: 'Timeout', message }));
};

async function* linesOf(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<unknown, void, void> {
  try {
    yield* decodeJsonLines(response as AsyncIterable<string>);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof KubeError ? error : connectionError(error, true);
  }
}

const openStream = async (parts: Parts, call: RestCall): Promise<AsyncIterable<unknown>> => {
  const link = linkCall(call);
  try {
    const response = await send(parts, call, link.signal);
    link.unlink();
    // From here on only the caller ends it: a watch lives for minutes.
    const destroy = () => response.destroy();
    call.signal.addEventListener('abort', destroy, { once: true });
    response.once('close', () => call.signal.removeEventListener('abort', destroy));
    if (call.signal.aborted) destroy();
    return linesOf(response, call.signal);
  } catch (error) {
    link.unlink();
    throw error;
  }
};

/** A client of the API server over one keep-alive agent. `http:` servers are for tests. */
export const createRest = (options: RestOptions): Rest => {
  const { credentials, userAgent, log, timing = systemTiming } = options;
  const transport = createTransport(credentials.server);
  const parts: Parts = { credentials, transport, userAgent, timing, log };
  return {
    request: async (call) => {
      call.signal.throwIfAborted();
      const link = linkCall(call);
      try {
        return await attempts(parts, call, link.signal);
      } finally {
        link.unlink();
      }
    },
    stream: (call) => openStream(parts, call),
    close: () => transport.close(),
  };
};
