import type { PostOutcome } from './http-post.ts';
import type { Answer } from './prometheus-answer.ts';

/** One metrics server of the operator's configuration, with its credentials. Never throws for what it does or says. */
export interface MetricClient {
  /** An instant query, for `prometheus` servers. */
  query(promql: string, signal: AbortSignal): Promise<Answer>;
  /** A GET of path and query below the server's address, for `web` servers; never another host. */
  get(pathAndQuery: string, signal: AbortSignal): Promise<PostOutcome>;
}
