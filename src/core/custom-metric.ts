// Metrics that users define in a CanaryPolicy: a value, and the bounds it must keep.

export interface CustomMetric {
  /** As it is shown in the Canary's checks; unique in the policy. */
  name: string;
  /** Name of a metrics server of Kanari's configuration; undefined: the one that the built-in metrics are read from. */
  server: string | undefined;
  /** PromQL that gives one value; of a `web` server the path and query of a GET. May name variables: `{{ canary }}`. */
  query: string;
  /** Where the value is in a `web` server's JSON: `/data/0/value` (RFC 6901). */
  jsonPointer: string | undefined;
  min: number | undefined;
  max: number | undefined;
  /** Milliseconds that the query looks back; undefined: the interval of the step. */
  intervalMs: number | undefined;
}

/** What is known of one custom metric of one run. */
export type CustomReading = { name: string } & (
  | {
      kind: 'value';
      value: number;
      /** When it was asked for, ISO 8601. */
      at: string;
    }
  /** There is no value to judge, and why. */
  | { kind: 'none'; reason: string; message: string }
);
