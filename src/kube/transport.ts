import http from 'node:http';
import https from 'node:https';
import type { Identity } from './credentials.ts';
import { KubeError } from './errors.ts';

// The API server closes idle connections after some minutes; closing first avoids writing into a dying one.
const IDLE_SOCKET_MS = 60_000;

export interface HttpRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body?: string | undefined;
  identity: Identity;
  /** Aborting destroys the connection. */
  signal: AbortSignal;
}

/** Sends requests over one keep-alive agent. */
export interface Transport {
  /** Resolves with the response's head. Throws KubeError `Unreachable`, or the signal's reason. */
  send(request: HttpRequest): Promise<http.IncomingMessage>;
  close(): void;
}

/** KubeError for a broken connection. `NotSent`: the server can't have seen the request, so any may be repeated. */
export const connectionError = (error: unknown, sent: boolean): KubeError => {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return new KubeError({
    status: 0,
    reason: sent ? 'Unreachable' : 'NotSent',
    message: `the connection to the API server failed: ${code}`,
  });
};

const exchange = (secure: boolean, agent: http.Agent, request: HttpRequest): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { authorization, ...tls } = request.identity;
    const options: https.RequestOptions = {
      method: request.method,
      headers: authorization === undefined ? request.headers : { ...request.headers, authorization },
      agent,
      signal: request.signal,
      ...(secure ? tls : {}),
    };
    const outgoing = (secure ? https : http).request(request.url, options, resolve);
    let sent = false;
    outgoing.once('socket', (socket) => {
      if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', () => (sent = true));
      else sent = true;
    });
    outgoing.once('error', (error) => {
      reject(request.signal.aborted ? asError(request.signal.reason) : connectionError(error, sent));
    });
    outgoing.end(request.body);
  });

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

/** Plain http is for tests; credentials go over it all the same, so nothing else may configure it. */
export const createTransport = (server: string): Transport => {
  const secure = new URL(server).protocol === 'https:';
  // One connection per watch and some for calls; lifo keeps few of them warm.
  const agentOptions: https.AgentOptions = {
    keepAlive: true,
    keepAliveMsecs: 15_000,
    maxSockets: 64,
    maxFreeSockets: 8,
    scheduling: 'lifo',
    timeout: IDLE_SOCKET_MS,
  };
  const agent = secure ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  return {
    send: (request) => exchange(secure, agent, request),
    close: () => agent.destroy(),
  };
};
