import { NOT_READ } from '../core/check-reasons.ts';
import type { CustomMetric, CustomReading } from '../core/custom-metric.ts';
import { formatDuration } from '../core/duration.ts';
import { groupBy } from '../core/group-by.ts';
import { fillQuery, type Values } from '../core/query-template.ts';
import { linkDeadline } from '../kube/linked-signal.ts';
import type { CustomMetricReader, CustomTarget } from './custom-metrics.ts';
import { type OneValue, unavailable, valueOfAnswer, valueOfDocument } from './custom-value.ts';
import type { MetricClient } from './metric-client.ts';
import * as reasons from './metric-reasons.ts';

// Asks the servers of custom metrics: each question once a look, however many runs have it, and few at a time.

/** A server of the operator's configuration. */
export interface MetricServer {
  type: 'prometheus' | 'web';
  client: MetricClient;
}

/** The one that a metric without `server` is asked of. */
export const DEFAULT_SERVER = 'default';

export interface CustomReaderOptions {
  /** By the names that policies use. */
  servers: ReadonlyMap<string, MetricServer>;
  now: () => Date;
  /** Milliseconds for one look; what is not asked by then comes first at the next. Default 10 s. */
  budgetMs?: number;
}

const BUDGET_MS = 10_000;
/** Questions to one server at a time: a server that hangs holds up its own alone. */
const PARALLEL = 8;

/** What a metric makes of the answer to its question. */
type Reading = (metric: CustomMetric) => OneValue;

interface Question {
  /** The same for equal questions. */
  id: string;
  server: string;
  ask: (signal: AbortSignal) => Promise<Reading>;
}

/** A metric of a run, and its question; or why it has none. */
interface Wanted {
  metric: CustomMetric;
  found: Question | OneValue;
}

interface Answered {
  at: string;
  read: Reading;
}

const valuesOf = ({ key, primary, canary, intervalMs }: CustomTarget, metric: CustomMetric): Values => {
  const [namespace = '', name = ''] = key.split('/');
  // Flagger's target is the workload that is judged, which is the canary's here.
  return {
    name,
    namespace,
    target: canary,
    canary,
    primary,
    interval: formatDuration(metric.intervalMs ?? intervalMs),
  };
};

const unknownServer = (name: string, servers: CustomReaderOptions['servers']): OneValue => {
  const known = servers.size === 0 ? 'none is' : `${[...servers.keys()].sort().join(', ')} are`;
  return unavailable(
    reasons.UNKNOWN_SERVER,
    `no metrics server ${name} is in Kanari's configuration (${known})`,
  );
};

const unfit = (name: string, type: MetricServer['type']): OneValue =>
  unavailable(
    reasons.UNFIT_QUERY,
    type === 'web'
      ? `the metrics server ${name} answers in JSON: a jsonPointer is expected`
      : `the metrics server ${name} is asked in PromQL: a jsonPointer is for servers of type web`,
  );

/** The question that a metric of a run comes to, or why there is none. */
const questionOf = (
  target: CustomTarget,
  metric: CustomMetric,
  servers: CustomReaderOptions['servers'],
): Question | OneValue => {
  const name = metric.server ?? DEFAULT_SERVER;
  const server = servers.get(name);
  if (server === undefined) return unknownServer(name, servers);
  const { type, client } = server;
  if ((type === 'web') !== (metric.jsonPointer !== undefined)) return unfit(name, type);
  const filled = fillQuery(metric.query, valuesOf(target, metric));
  if (!filled.ok) return unavailable(reasons.UNFIT_QUERY, filled.message);
  const { query } = filled;
  return {
    id: `${name} ${query}`,
    server: name,
    ask: async (signal): Promise<Reading> => {
      if (type === 'prometheus') {
        const value = valueOfAnswer(await client.query(query, signal));
        return () => value;
      }
      const outcome = await client.get(query, signal);
      return ({ jsonPointer = [] }) => valueOfDocument(outcome, jsonPointer);
    },
  };
};

/** Those that were asked and answered before the signal aborted. */
const askAll = async (
  questions: readonly Question[],
  now: () => Date,
  signal: AbortSignal,
): Promise<Map<string, Answered>> => {
  const answers = new Map<string, Answered>();
  const lane = async (queue: Question[]): Promise<void> => {
    for (let question = queue.shift(); question !== undefined; question = queue.shift()) {
      const at = now().toISOString();
      const read = await question.ask(signal);
      if (signal.aborted) return;
      answers.set(question.id, { at, read });
    }
  };
  const queues = groupBy(questions, ({ server }) => server).values();
  await Promise.all([...queues].flatMap((queue) => Array.from({ length: PARALLEL }, () => lane(queue))));
  return answers;
};

/** Reads the users' metrics from the servers that the operator has configured, and from no others. */
export const createCustomMetricReader = (options: CustomReaderOptions): CustomMetricReader => {
  const { servers, now, budgetMs = BUDGET_MS } = options;
  let leftOut = new Set<string>();

  const inTime = async (questions: readonly Question[], signal: AbortSignal) => {
    const first = questions.filter(({ id }) => leftOut.has(id));
    const others = questions.filter(({ id }) => !leftOut.has(id));
    const deadline = linkDeadline(signal, budgetMs, () => new DOMException('no answer', 'TimeoutError'));
    try {
      const answers = await askAll([...first, ...others], now, deadline.signal);
      leftOut = new Set(questions.map(({ id }) => id).filter((id) => !answers.has(id)));
      return answers;
    } finally {
      deadline.unlink();
    }
  };

  return {
    read: async (targets, signal) => {
      const wanted = targets.map((target) => ({
        key: target.key,
        metrics: target.metrics.map((metric) => ({ metric, found: questionOf(target, metric, servers) })),
      }));
      const unaskedAt = now().toISOString();
      const questions = wanted.flatMap(({ metrics }) =>
        metrics.flatMap(({ found }) => ('id' in found ? found : [])),
      );
      const answers = await inTime([...new Map(questions.map((each) => [each.id, each])).values()], signal);
      const late = `not asked within ${formatDuration(budgetMs)}: others came first`;
      const readingOf = ({ metric, found }: Wanted): CustomReading => {
        const answered = 'id' in found ? answers.get(found.id) : { at: unaskedAt, read: () => found };
        return answered === undefined
          ? { metric, at: unaskedAt, ...unavailable(NOT_READ, late) }
          : { metric, at: answered.at, ...answered.read(metric) };
      };
      return new Map(wanted.map(({ key, metrics }) => [key, metrics.map(readingOf)]));
    },
  };
};
