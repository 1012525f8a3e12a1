import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { MetricServerConfig } from '../../src/integrations/schema.ts';

// A metrics server on loopback that does what its script says.

export interface Asked {
  method: string | undefined;
  url: string | undefined;
  headers: http.IncomingHttpHeaders;
  /** PromQL of an instant query. */
  query: string;
}

export type Script = (asked: Asked, response: http.ServerResponse) => void;

export interface ScriptedServer {
  port: number;
  /** Every request so far. */
  asked: Asked[];
  server: http.Server;
  stop(): Promise<void>;
}

export const listen = async (server: http.Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

export const stopServer = (server: http.Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/** @param tls serves https with these */
export const startScripted = async (script: Script, tls?: https.ServerOptions): Promise<ScriptedServer> => {
  const asked: Asked[] = [];
  const answer: http.RequestListener = (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { method, url, headers } = request;
      const seen = { method, url, headers, query: new URLSearchParams(body).get('query') ?? '' };
      asked.push(seen);
      script(seen, response);
    });
  };
  const server = tls === undefined ? http.createServer(answer) : https.createServer(tls, answer);
  return { port: await listen(server), asked, server, stop: () => stopServer(server) };
};

/** A server of the operator's file, at this address. */
export const serverAt = (url: string, fields: Partial<MetricServerConfig> = {}): MetricServerConfig => ({
  name: 'default',
  type: 'prometheus',
  url,
  headers: {},
  headerFiles: {},
  ...fields,
});

export const NO_SERIES = '{"status":"success","data":{"resultType":"vector","result":[]}}';
