import type { MetricTarget } from './metric-provider.ts';
import type { Series } from './prometheus-answer.ts';
import type { Dialect } from './samples.ts';

/** How one kind of data plane is asked about canaries: one query per metric kind, however many canaries there are. */
export interface QuerySet {
  /** PromQL. May tell more than of the targets: what was not asked for is dropped in memory. */
  requestsQuery: (targets: readonly MetricTarget[]) => string;
  latencyQuery: (targets: readonly MetricTarget[]) => string;
  /** What a series is about, as metrics name it; and the names of what is a target's. */
  subjectOf: (series: Series) => string;
  subjectsOf: (target: MetricTarget) => string[];
  dialect: Dialect;
}
