import type { Timestamp } from './objects.ts';

// What is kept of counters: the evidence of a run, as it stands in the Canary's status.

/** Cumulative counters of one pod as last scraped (raw, never rates). */
export interface PodCounters {
  /** Name that tells counters apart; a new one starts from 0. */
  pod: string;
  requests: number;
  /** Requests answered with a 5xx. */
  errors: number;
  /** Requests in the latency histogram (it may lag `requests` by a scrape or more). */
  timed: number;
  /** Of `timed`, those above the latency limit's bucket edge. */
  slow: number;
}

export interface Counts {
  requests: number;
  errors: number;
  timed: number;
  slow: number;
}

/** Requests, or another kind of trials, and how many of them failed. */
export interface Trials {
  n: number;
  x: number;
}

/** Where, of the e-processes that begin at a verdict each, the last one began. */
export interface Beginning {
  /** Its number among them, 1 or more. */
  verdicts: number;
  /** Natural logarithm of the weighted sum of those before, each as it stood at the next verdict; absent: none. */
  logBefore?: number;
}

/** The always-on e-process of one signal (errors, or slow requests): what has been looked at and how sure it is. */
export interface FastPath extends Trials {
  /** Natural logarithm of the e-value, growth capped per look. */
  logE: number;
  /** The last verdict, with `n` and `x` as they were; absent before the first. */
  latest?: Beginning & Trials;
}

/** The e-process that holds the canary's share of failures against the primary's. */
export interface RelativePath {
  /** What came of one side while nothing came of the other: only both together tell anything. */
  pending: { canary: Trials; primary: Trials };
  /** Natural logarithm of the likelihood ratio of each ratio of the two shares that is looked for. */
  logs: number[];
  /** Natural logarithm of the e-value, growth capped per look. */
  logE: number;
  /** The last verdict, with `logs` as they were; absent before the first. */
  latest?: Beginning & { logs: number[] };
}

/** The primary's requests since they are compared with the canary's. */
export interface PrimaryEvidence {
  pods: PodCounters[];
  total: Counts;
  /** `total` at the last pass or fail verdict. */
  judged: Counts;
  errors: RelativePath;
  slow: RelativePath;
}

/** All evidence about the canary's revision since its first weight. Persisted in the Canary's status. */
export interface Evidence {
  /** Since when it is collected: samples stamped before are ignored. */
  since: Timestamp;
  /** When the newest sample was scraped. */
  sampledAt?: Timestamp;
  /** Data plane that counted; another's word about the same requests would count them twice. */
  source?: string;
  /** Last raw values by pod; growth since the previous look is added to `total`. */
  pods: PodCounters[];
  total: Counts;
  /** `total` at the last pass or fail verdict; a check judges what came since. */
  judged: Counts;
  fastErrors: FastPath;
  fastSlow: FastPath;
  /** Where the canary is compared with the primary. */
  primary?: PrimaryEvidence;
}
