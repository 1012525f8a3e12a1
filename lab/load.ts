import { Agent, type IncomingMessage, request } from 'node:http';

// An open-loop load generator: requests leave on time however slow the answers are, as those of many clients do.

export interface LoadOptions {
  /** Of the proxy, on 127.0.0.1. */
  port: number;
  /** Host header: the Service that is asked for. */
  host: string;
  /** Requests per second. */
  rps: number;
  path?: string;
  headers?: Record<string, string>;
  /** False opens a connection per request. Default true. */
  keepAlive?: boolean;
  /** Milliseconds until a request without a whole answer has failed. Default 10 000. */
  timeoutMs?: number;
  /** Name of the phase that the load begins in. Default `start`. */
  phase?: string;
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

export interface Failure {
  /** When the request left, milliseconds since the epoch. */
  at: number;
  phase: string;
  /** Undefined when there was no answer. */
  status: number | undefined;
  version: string | undefined;
  pod: string | undefined;
  error: string | undefined;
  durationMs: number;
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

const KEPT_FAILURES = 1000;
const TICK_MS = 5;

export const startLoad = (options: LoadOptions, now: () => number = Date.now): Load => {
  const agent = new Agent({ keepAlive: options.keepAlive ?? true });
  const book = createBook(options.phase ?? 'start', now);
  const underWay = new Set<Promise<void>>();
  const startedAt = now();
  let sent = 0;
  const send = (): void => {
    sent += 1;
    const phase = book.current();
    const answer = ask(options, agent, now).then((outcome) => book.record(phase, outcome));
    underWay.add(answer);
    void answer.finally(() => underWay.delete(answer));
  };
  const timer = setInterval(() => {
    const due = Math.floor(((now() - startedAt) / 1000) * options.rps);
    while (sent < due) send();
  }, TICK_MS);
  return {
    phase: book.begin,
    counts: book.counts,
    total: () => sumOf(book.counts()),
    failures: book.failures,
    stop: async () => {
      clearInterval(timer);
      book.end();
      // Each has its own deadline, so this ends.
      await Promise.all(underWay);
      agent.destroy();
      return book.counts();
    },
  };
};

type AnswerOutcome = Omit<Failure, 'phase'>;

// Never rejects: no answer is an outcome too.
const ask = (options: LoadOptions, agent: Agent, now: () => number): Promise<AnswerOutcome> =>
  new Promise((resolve) => {
    const at = now();
    const finish = (response: IncomingMessage | undefined, error?: string): void =>
      resolve({
        at,
        status: response?.statusCode,
        version: headerOf(response, 'x-version'),
        pod: headerOf(response, 'x-pod'),
        error,
        durationMs: now() - at,
      });
    const { host, port, path = '/', timeoutMs = 10_000 } = options;
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

const createBook = (first: string, now: () => number) => {
  const phases = new Map<string, { versions: Map<string, Tally>; ms: number }>();
  const failures: Failure[] = [];
  let open: { name: string; since: number } | undefined;
  const end = (): void => {
    const phase = open === undefined ? undefined : phases.get(open.name);
    if (phase !== undefined && open !== undefined) phase.ms += now() - open.since;
    if (open !== undefined) open = undefined;
  };
  let current = first;
  const begin = (name: string): void => {
    end();
    if (!phases.has(name)) phases.set(name, { versions: new Map(), ms: 0 });
    open = { name, since: now() };
    current = name;
  };
  const record = (phase: string, outcome: AnswerOutcome): void => {
    const versions = phases.get(phase)?.versions;
    const version = outcome.version ?? 'none';
    const tally = versions?.get(version) ?? { requests: 0, failures: 0 };
    versions?.set(version, tally);
    tally.requests += 1;
    if (outcome.error === undefined && outcome.status !== undefined && outcome.status < 500) return;
    tally.failures += 1;
    if (failures.length < KEPT_FAILURES) failures.push({ ...outcome, phase });
  };
  const counts = (): PhaseCounts[] =>
    [...phases].map(([phase, { versions, ms }]) => ({
      phase,
      seconds: (ms + (open?.name === phase ? now() - open.since : 0)) / 1000,
      versions: Object.fromEntries([...versions].map(([version, tally]) => [version, { ...tally }])),
      ...sumOf([...versions.values()]),
    }));
  begin(first);
  return { begin, end, record, counts, current: () => current, failures: () => [...failures] };
};

const sumOf = (tallies: readonly Tally[]): Tally => ({
  requests: tallies.reduce((sum, { requests }) => sum + requests, 0),
  failures: tallies.reduce((sum, { failures }) => sum + failures, 0),
});
