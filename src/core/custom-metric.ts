import type { Timestamp } from './objects.ts';
import type { QueryTemplate } from './query-template.ts';

// Metrics that users define in a CanaryPolicy: a value, and the bounds it must keep.

export interface CustomMetric {
  /** As it is shown in the Canary's checks; unique in the policy. */
  name: string;
  /** Name of a metrics server of Kanari's configuration; undefined: the one that the built-in metrics are read from. */
  server: string | undefined;
  /** PromQL that gives one value; of a `web` server the path and query of a GET. */
  query: QueryTemplate;
  /** Of a `web` server: the way to the value in its JSON (RFC 6901). */
  jsonPointer: readonly string[] | undefined;
  min: number | undefined;
  max: number | undefined;
  /** Milliseconds that the query looks back; undefined: the interval of the step. */
  intervalMs: number | undefined;
}

/** What is known of one custom metric of one run. */
export type CustomReading = {
  metric: CustomMetric;
  /** When it was asked for. */
  at: Timestamp;
} & (
  | { kind: 'value'; value: number }
  /** The server knows no value to judge, and why. */
  | { kind: 'empty'; reason: string; message: string }
  /** The server can't tell. */
  | { kind: 'unavailable'; reason: string; message: string }
);
