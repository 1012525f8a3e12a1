import { Agent, type IncomingMessage, request } from 'node:http';
import { startOpenLoop } from './open-loop.ts';

// An open-loop load generator: requests leave on time however slow the answers are, as those of many clients do.

export interface OpenLoopOptions {
  /** Requests per second. */
  rps: number;
  /** Name of the phase that the load begins in. Default `start`. */
  phase?: string;
}

export interface LoadOptions extends OpenLoopOptions {
  /** Of a proxy, on 127.0.0.1; of several, requests go to each in turn. */
  port: number | readonly number[];
  /** Host header: the Service that is asked for. */
  host: string;
  path?: string;
  headers?: Record<string, string>;
  /** False opens a connection per request, `both` for every other one. Default true. */
  keepAlive?: boolean | 'both';
  /** Milliseconds until a request without a whole answer has failed. Default 10 000. */
  timeoutMs?: number;
}

export interface Tally {
  requests: number;
  /** Answered with a 5xx, or not at all. */
  failures: number;
}

export interface PhaseCounts extends Tally {
  phase: string;
  /** How long the phase has lasted, or did. */
  seconds: number;
  /** By the answer's `x-version`; `none` without one: the proxy's own answers and transport errors. */
  versions: Record<string, Tally>;
}

export interface AnswerOutcome {
  /** When the request left, milliseconds since the epoch. */
  at: number;
  /** Of the proxy that was asked. */
  port: number;
  /** Undefined when there was no answer. */
  status: number | undefined;
  version: string | undefined;
  pod: string | undefined;
  error: string | undefined;
  durationMs: number;
}

export interface Failure extends AnswerOutcome {
  phase: string;
}

export interface Load {
  /** Requests that leave from now on count for this phase; a name used before is continued. */
  phase(name: string): void;
  /** Phases in order of their first appearance; finished requests only. */
  counts(): PhaseCounts[];
  /** All phases together. */
  total(): Tally;
  /** The first thousand failures. */
  failures(): Failure[];
  /** Sends no more, and waits for the answers under way. */
  stop(): Promise<PhaseCounts[]>;
}

export const startLoad = (options: LoadOptions, now: () => number = Date.now): Load => {
  const { keepAlive = true } = options;
  const agents = (keepAlive === 'both' ? [true, false] : [keepAlive]).map(
    (kept) => new Agent({ keepAlive: kept }),
  );
  const lanes = [options.port].flat().flatMap((port) => agents.map((agent) => ({ port, agent })));
  const loop = startOpenLoop(options, (sent) => ask(options, lanes[sent % lanes.length] as Lane, now), now);
  return {
    ...loop,
    stop: async () => {
      const counts = await loop.stop();
      for (const agent of agents) agent.destroy();
      return counts;
    },
  };
};

interface Lane {
  port: number;
  agent: Agent;
}

const ask = (options: LoadOptions, { port, agent }: Lane, now: () => number): Promise<AnswerOutcome> =>
  new Promise((resolve) => {
    const at = now();
    const finish = (response: IncomingMessage | undefined, error?: string): void =>
      resolve({
        at,
        port,
        status: response?.statusCode,
        version: headerOf(response, 'x-version'),
        pod: headerOf(response, 'x-pod'),
        error,
        durationMs: now() - at,
      });
    const { host, path = '/', timeoutMs = 10_000 } = options;
    const outgoing = request({
      agent,
      host: '127.0.0.1',
      port,
      path,
      headers: { ...options.headers, host },
      signal: AbortSignal.timeout(timeoutMs),
    });
    outgoing.on('error', (error) => finish(undefined, error.message));
    outgoing.once('response', (response) => {
      response.resume();
      response.once('end', () => finish(response));
      // Cut off in the middle of the body: `error` or `aborted`, never `end`.
      response.on('error', (error) => finish(response, error.message));
    });
    outgoing.end();
  });

const headerOf = (response: IncomingMessage | undefined, name: string): string | undefined => {
  const value = response?.headers[name];
  return typeof value === 'string' ? value : undefined;
};
