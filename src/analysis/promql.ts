// What the queries of every data plane have in common.

/** Label that tells the parts of a requests query apart. */
export const PART = 'kanari_part';
export const COUNTS = 'counts';
export const SCRAPED = 'scraped';

/** Who was scraped: a pod has a name by one of these labels, and may be scraped by several jobs. */
export const SCRAPED_POD = 'pod, kubernetes_pod_name, job, instance';

/** A literal inside a PromQL regular expression, itself inside a PromQL string. */
const literal = (text: string): string =>
  JSON.stringify(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).slice(1, -1);

/** A regular expression that fits each of the values. */
export const oneOf = (values: readonly string[]): string =>
  [...new Set(values)].sort().map(literal).join('|');

/** Marks every series of the expression, all of which have the label `present`, as a part. */
export const part = (name: string, expression: string, present: string): string =>
  `label_replace(${expression}, "${PART}", "${name}", "${present}", ".*")`;
