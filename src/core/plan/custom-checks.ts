import type { CustomMetric, CustomReading } from '../custom-metric.ts';
import { judgeCustom } from '../custom-verdict.ts';
import type { MetricCheck, Run } from '../run.ts';
import { sameJson } from '../same-json.ts';
import { elapsedMs, type RunContext } from './move.ts';

// The user's own metrics. They are asked for once the interval is over: what a query looks back over is then this step
// and not the one before.

/** When the check of the interval is due, in milliseconds since 1970; undefined where none has begun. */
export const checkDueAt = ({ stepSince }: Run, intervalMs: number): number | undefined =>
  stepSince === undefined ? undefined : Date.parse(stepSince) + intervalMs;

/** What was asked for this very check, in the words of the policy of now. */
const readingOf = ({ snapshot, run }: RunContext, metric: CustomMetric): CustomReading | undefined => {
  const due = checkDueAt(run, snapshot.settings.intervalMs) ?? Number.POSITIVE_INFINITY;
  return snapshot.customReadings.find(
    (reading) => Date.parse(reading.at) >= due && sameJson(reading.metric, metric),
  );
};

/** Longer than a look takes, unless it asks very much; what is missing then is said. */
const LOOKS_WAITED = 3;

/** The metrics that are due are about to be read. */
export const awaitsReadings = (context: RunContext): boolean => {
  const { snapshot, run, now } = context;
  const { metrics, intervalMs } = snapshot.settings;
  const waitedMs = elapsedMs(run.stepSince ?? now.toISOString(), now) - intervalMs;
  return (
    waitedMs < LOOKS_WAITED * snapshot.operator.lookIntervalMs &&
    metrics.some((metric) => readingOf(context, metric) === undefined)
  );
};

/** The user's own metrics, judged. */
export const customChecks = (context: RunContext): MetricCheck[] =>
  context.snapshot.settings.metrics.map((metric) => judgeCustom(metric, readingOf(context, metric)));

/** A server that was due to be asked could not tell about one of them, or was not asked: that is no evidence of anything. */
export const serversAway = (context: RunContext): boolean => {
  const { run, now, snapshot } = context;
  const dueAt = checkDueAt(run, snapshot.settings.intervalMs);
  if (dueAt === undefined || dueAt > now.getTime() || awaitsReadings(context)) return false;
  return snapshot.settings.metrics.some(
    (metric) => (readingOf(context, metric)?.kind ?? 'unavailable') === 'unavailable',
  );
};
