import type { MetricServerConfig } from '../integrations/schema.ts';
import { readCredentials } from './credentials.ts';
import { createExchange, type HttpOutcome, type HttpRequest } from './http-exchange.ts';
import { type Answer, decodeAnswer } from './prometheus-answer.ts';

/** One metrics server of the operator's configuration, with its credentials. Never throws for what it does or says. */
export interface MetricClient {
  /** An instant query, for `prometheus` servers. */
  query(promql: string, signal: AbortSignal): Promise<Answer>;
  /** A GET of path and query below the server's address, for `web` servers; never another host. */
  get(pathAndQuery: string, signal: AbortSignal): Promise<HttpOutcome>;
}

/** The one line that a client logs; pino's `log.warn` fits. */
export interface MetricLog {
  warn(fields: { server: string; reason: string; detail: string }, message: string): void;
}

export interface MetricClientOptions {
  /** Milliseconds for each request, answer included. */
  timeoutMs: number;
  log: MetricLog;
  /** Called for each query, for metrics. */
  onQuery?: (outcome: 'answered' | 'failed') => void;
}

const MIB = 1024 * 1024;

/** Of Prometheus: 40,000 series, which a thousand canaries make, are about 10 MiB. */
const MAX_BYTES = { prometheus: 16 * MIB, web: MIB } as const;

interface BaseAddress {
  url: URL;
  /** Without a slash at the end. */
  path: string;
}

const baseOf = ({ url: address }: MetricServerConfig): BaseAddress => {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return { url, path: url.pathname.replace(/\/+$/, '') };
};

/** Undefined: it would lead out of what lies below the address. */
const below = ({ url, path }: BaseAddress, pathAndQuery: string): URL | undefined => {
  if (!pathAndQuery.startsWith('/')) return undefined;
  const target = new URL(`${url.origin}${path}${pathAndQuery}`);
  return target.origin === url.origin && target.pathname.startsWith(`${path}/`) ? target : undefined;
};

/**
 * A client for one server of the configuration. Its files are read at each request; one that is missing is an outcome
 * that says so.
 */
export const createMetricClient = (
  server: MetricServerConfig,
  { timeoutMs, log, onQuery }: MetricClientOptions,
): MetricClient => {
  const base = baseOf(server);
  const { proxyUrl } = server;
  const exchange = createExchange({ timeoutMs, maxBytes: MAX_BYTES[server.type], proxyUrl });
  const send = async (request: Omit<HttpRequest, 'tls'>): Promise<HttpOutcome> => {
    const credentials = await readCredentials(server);
    if (!credentials.ok) return { kind: 'uncredentialed', message: credentials.message };
    const headers = { ...credentials.headers, accept: 'application/json', ...request.headers };
    return exchange({ ...request, headers, tls: credentials.tls });
  };
  return {
    query: async (promql, signal) => {
      const url = new URL(`${base.url.origin}${base.path}/api/v1/query`);
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const body = new URLSearchParams({ query: promql }).toString();
      const answer = decodeAnswer(await send({ method: 'POST', url, headers, body, signal }));
      onQuery?.(answer.ok ? 'answered' : 'failed');
      if (!answer.ok) {
        const { reason, message: detail } = answer;
        log.warn({ server: server.name, reason, detail }, 'metrics not read');
      }
      return answer;
    },
    get: (pathAndQuery, signal) => {
      const url = below(base, pathAndQuery);
      if (url !== undefined) return send({ method: 'GET', url, headers: {}, signal });
      const message = 'a path that begins with / and stays below the address of the server is expected';
      return Promise.resolve({ kind: 'unusable', message });
    },
  };
};
