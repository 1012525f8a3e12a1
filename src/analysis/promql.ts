import type { Side } from './query-set.ts';

// What the queries of every data plane have in common.

/** Label that tells the parts of a requests query apart. */
export const PART = 'kanari_part';
const COUNTS = 'counts';
export const SCRAPED = 'scraped';

/** Who was scraped: a pod has a name by one of these labels, and may be scraped by several jobs. */
const SCRAPED_POD = 'pod, kubernetes_pod_name, job, instance';

/** A literal inside a PromQL regular expression, itself inside a PromQL string. */
const literal = (text: string): string =>
  JSON.stringify(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).slice(1, -1);

/** A regular expression that fits each of the values. */
const oneOf = (values: readonly string[]): string => [...new Set(values)].sort().map(literal).join('|');

// Each fits more than the sides, every namespace with every name: what was not asked for is dropped in memory.

export const namespacesOf = (sides: readonly Side[]): string =>
  oneOf(sides.map(({ namespace }) => namespace));
export const workloadsOf = (sides: readonly Side[]): string => oneOf(sides.map(({ workload }) => workload));
export const servicesOf = (sides: readonly Side[]): string =>
  oneOf(sides.flatMap(({ services }) => services));

/** Marks every series of the expression as a part. */
const part = (name: string, expression: string): string =>
  `label_replace(${expression}, "${PART}", "${name}", "", "")`;

export interface Counters {
  /** Raw counters of requests. */
  counters: string;
  /** Labels to tell them apart by, beside the subject's: what came of the request. */
  by: string;
  /** Labels that name what the counters are about. */
  subject: string;
  /** When they were scraped, and of which labels: a value's own stamp is the time of the query. */
  scraped: string;
}

/** Counters by who was scraped, and when, told apart by the label `PART`. */
export const requestsBy = ({ counters, by, subject, scraped }: Counters): string =>
  [part(COUNTS, `sum by (${by}, ${subject}, ${SCRAPED_POD}) (${counters})`), part(SCRAPED, scraped)].join(
    ' or ',
  );

/** A raw classic histogram by who was scraped. */
export const bucketsBy = (subject: string, buckets: string): string =>
  `sum by (le, ${subject}, ${SCRAPED_POD}) (${buckets})`;
