import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { AnswerOutcome, Load, OpenLoopOptions } from './load.ts';
import { startOpenLoop } from './open-loop.ts';

// Connections through clients' proxies to ports that do not speak HTTP: each says a line, and hears who it came to.

export interface ConnectionLoadOptions extends OpenLoopOptions {
  /** Of a proxy's listener, on 127.0.0.1; of several, connections go to each in turn. */
  port: number | readonly number[];
  /** The name that is asked for in clear (SNI). Without one the connection is not encrypted. */
  serverName?: string;
  /** Milliseconds until a connection without an answer has failed. Default 10 000. */
  timeoutMs?: number;
}

/** Its `rps` are connections per second. */
export const startConnections = (options: ConnectionLoadOptions, now: () => number = Date.now): Load => {
  const ports = [options.port].flat();
  return startOpenLoop(options, (sent) => greet(options, ports[sent % ports.length] ?? 0, now), now);
};

const GREETING = 'hello\n';

const greet = (
  { serverName, timeoutMs = 10_000 }: ConnectionLoadOptions,
  port: number,
  now: () => number,
): Promise<AnswerOutcome> =>
  new Promise((resolve) => {
    const at = now();
    const socket = open(port, serverName);
    let heard = '';
    const finish = (error?: string): void => {
      socket.destroy();
      const { version, pod } = error === undefined ? speakerOf(heard) : {};
      const status = error === undefined ? 200 : undefined;
      resolve({ at, port, status, version, pod, error, durationMs: now() - at });
    };
    socket.setTimeout(timeoutMs, () => finish(`no answer within ${timeoutMs} ms`));
    socket.on('error', (error) => finish(error.message));
    socket.on('close', () => finish('closed without an answer'));
    socket.on('data', (data: Buffer) => {
      heard += data.toString();
      if (heard.endsWith('\n')) finish();
    });
    socket.write(GREETING);
  });

const open = (port: number, servername: string | undefined): Socket => {
  if (servername === undefined) return connect(port, '127.0.0.1');
  // Pods make their certificates themselves, and what is tested is who answers.
  return connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
};

const speakerOf = (line: string): { version?: string; pod?: string } =>
  JSON.parse(line) as { version?: string; pod?: string };
