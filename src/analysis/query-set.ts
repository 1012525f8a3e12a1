import type { MetricTarget } from './metric-provider.ts';
import type { Series } from './prometheus-answer.ts';
import type { Dialect } from './samples.ts';

/** Whose requests are counted: the canary's, or the primary's beside it. */
export interface Side {
  namespace: string;
  /** Name of the Deployment. */
  workload: string;
  /** Names of the Services that lead to its pods alone. */
  services: readonly string[];
}

/** How one kind of data plane is asked about canaries: one query per metric kind, however many canaries there are. */
export interface QuerySet {
  /** Who counts: the proxies of the pods themselves, or those of a gateway, by Service. */
  counts: 'pods' | 'gateways';
  /** PromQL. May tell more than of the sides: what was not asked for is dropped in memory. */
  requestsQuery: (sides: readonly Side[]) => string;
  latencyQuery: (sides: readonly Side[]) => string;
  /** What a series may be about, as metrics name it; and the names of what is a side's. */
  subjectsIn: (series: Series) => string[];
  subjectsOf: (side: Side) => string[];
  dialect: Dialect;
}

export const canarySide = ({ key, workload, canaryServices }: MetricTarget): Side => ({
  namespace: key.split('/')[0] ?? '',
  workload,
  services: canaryServices,
});

export const primarySide = ({ key, primary }: MetricTarget): Side | undefined =>
  primary === undefined ? undefined : { namespace: key.split('/')[0] ?? '', ...primary };

export const sidesOf = (target: MetricTarget): Side[] => {
  const primary = primarySide(target);
  return primary === undefined ? [canarySide(target)] : [canarySide(target), primary];
};
