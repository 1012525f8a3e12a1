import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { KubeObject } from '../src/core/objects.ts';
import { type Mirror, startMirror } from './mirror.ts';

// The lab's own client: what plays kubelet and data plane must not share code with what is under test.

export type { ChangeType, Mirror } from './mirror.ts';

export interface LabApiOptions {
  /** `https://127.0.0.1:<port>`, without a trailing slash. */
  url: string;
  token: string;
  /** PEM of the authority that signed the API server's certificate. */
  ca: string;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface LabApi {
  /**
   * One JSON call (`/readyz` and its like answer plain text, given as a string). The content type of a PATCH is a merge patch unless given.
   * @throws LabApiError for any answer outside 2xx; the socket's error, or a timeout after 15 s, when there was none.
   */
  request<T = KubeObject>(method: Method, path: string, body?: unknown, contentType?: string): Promise<T>;
  /**
   * Keeps a copy of a collection (`/api/v1/pods`, `/apis/apps/v1/namespaces/shop/deployments`) until the signal aborts.
   * Restarts after any failure; a collection that does not exist yet (404) is waited for, quietly.
   */
  mirror<T extends KubeObject = KubeObject>(path: string, signal: AbortSignal): Mirror<T>;
  /** Closes the connections; calls under way fail. */
  close(): void;
}

/** What the API server said no with. `reason` is the Status' (`NotFound`, `Conflict`, `Invalid`, …), '' without one. */
export class LabApiError extends Error {
  override readonly name = 'LabApiError';
  readonly status: number;
  readonly reason: string;

  constructor(call: string, status: number, answer: { reason?: string; message?: string }) {
    super(`${call}: ${status} ${answer.reason ?? ''}: ${answer.message ?? 'no message'}`);
    this.status = status;
    this.reason = answer.reason ?? '';
  }
}

const REQUEST_DEADLINE_MS = 15_000;

interface Call {
  method: Method;
  path: string;
  body?: unknown;
  contentType?: string | undefined;
  signal: AbortSignal;
}

export const createLabApi = ({ url, token, ca }: LabApiOptions): LabApi => {
  const agent = new Agent({ keepAlive: true, ca });
  const open = (call: Call): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers: Record<string, string> = {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
      };
      const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
      if (body !== undefined) {
        headers['content-type'] = call.contentType ?? defaultType(call.method);
        // Node announces the body of a DELETE only when told to.
        headers['content-length'] = String(body.length);
      }
      const { method, signal } = call;
      const outgoing = httpsRequest(`${url}${call.path}`, { agent, method, headers, signal });
      // Not once: a socket may fail again later, and an error nobody listens to would end the process.
      outgoing.once('response', resolve).on('error', reject);
      outgoing.end(body);
    });
  const request = async <T>(
    method: Method,
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<T> => {
    const signal = AbortSignal.timeout(REQUEST_DEADLINE_MS);
    const response = await open({ method, path, body, contentType, signal });
    await refuseFailure(`${method} ${path}`, response);
    const text = await textOf(response);
    const isJson = response.headers['content-type']?.startsWith('application/json') === true;
    return (isJson ? JSON.parse(text) : text) as T;
  };
  const watch = async (path: string, signal: AbortSignal): Promise<IncomingMessage> => {
    const response = await open({ method: 'GET', path, signal });
    await refuseFailure(`WATCH ${path}`, response);
    return response;
  };
  return {
    request,
    mirror: (path, signal) => startMirror({ list: (at) => request('GET', at), watch }, path, signal),
    close: () => agent.destroy(),
  };
};

const defaultType = (method: Method): string =>
  method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';

const textOf = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

const refuseFailure = async (call: string, response: IncomingMessage): Promise<void> => {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return;
  throw new LabApiError(call, status, parseStatus(await textOf(response)));
};

// Before it is ready, the API server and its proxies answer in plain text.
const parseStatus = (text: string): { reason?: string; message?: string } => {
  try {
    return JSON.parse(text) as { reason?: string; message?: string };
  } catch {
    return { message: text };
  }
};
