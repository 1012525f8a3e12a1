import * as http from 'node:http';
import * as https from 'node:https';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';

// How a request gets to its server: straight, or through an HTTP proxy (RFC 9110: the whole address for http, a tunnel
// by CONNECT for https, so that the proxy never sees what is said).

/** PEM texts, and the name that the server's certificate must have if it isn't the URL's host. */
export interface TlsMaterial {
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
}

export interface ConnectOptions {
  method: string;
  headers: Record<string, string>;
  signal: AbortSignal;
  tls?: TlsMaterial;
}

/** A request that has yet to be ended. Throws for TLS material that is none. */
export type Connect = (url: URL, options: ConnectOptions) => http.ClientRequest;

// As many as one look asks at once, or one query would wait for the other at the cost of its own deadline. Idle ones are
// let go of: after a change of certificates nobody would use them again.
const POOL = { keepAlive: true, maxSockets: 20, timeout: 60_000 };

const straight = (): Connect => {
  const plain = new http.Agent(POOL);
  const secure = new https.Agent(POOL);
  return (url, { tls: material, ...options }) =>
    url.protocol === 'https:'
      ? https.request(url, { ...options, ...material, agent: secure })
      : http.request(url, { ...options, agent: plain });
};

/** The proxy's own answer; its message says which. */
export class ProxyRefusal extends Error {}

interface Tunnel {
  proxy: URL;
  /** Milliseconds for the proxy to open it. */
  timeoutMs: number;
}

/** A connection through the proxy, on which TLS has yet to begin. */
const openTunnel = ({ proxy, timeoutMs }: Tunnel, target: string): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const asking = http.request(proxy, { method: 'CONNECT', path: target, headers: { host: target } });
    asking.setTimeout(timeoutMs, () => asking.destroy(new DOMException('no answer', 'TimeoutError')));
    asking.once('connect', (response, socket: Duplex) => {
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new ProxyRefusal(`the proxy answered HTTP ${response.statusCode ?? 0} to CONNECT`));
    });
    asking.on('error', reject);
    asking.end();
  });

const tunnelled = (tunnel: Tunnel): https.Agent => {
  const agent = new https.Agent(POOL);
  agent.createConnection = (options, done) => {
    const { host = '', port } = options as tls.ConnectionOptions;
    const name = host.includes(':') ? `[${host}]` : host;
    openTunnel(tunnel, `${name}:${port ?? 443}`).then(
      (socket) => done?.(null, tls.connect({ ...(options as tls.ConnectionOptions), socket })),
      (error: unknown) => done?.(error as Error, undefined as never),
    );
    return undefined;
  };
  return agent;
};

const throughProxy = (tunnel: Tunnel): Connect => {
  const plain = new http.Agent(POOL);
  const secure = tunnelled(tunnel);
  return (url, { tls: material, ...options }) => {
    if (url.protocol === 'https:') return https.request(url, { ...options, ...material, agent: secure });
    const headers = { ...options.headers, host: url.host };
    return http.request(tunnel.proxy, { ...options, headers, path: url.href, agent: plain });
  };
};

/** Connections are kept alive, twenty at most. */
export const createConnect = (options: { proxyUrl: string | undefined; timeoutMs: number }): Connect =>
  options.proxyUrl === undefined
    ? straight()
    : throughProxy({ proxy: new URL(options.proxyUrl), timeoutMs: options.timeoutMs });
