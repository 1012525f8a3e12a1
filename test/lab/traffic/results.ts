import { appendFileSync } from 'node:fs';

// What a cell of the matrix came to, for the table of `npm run test:traffic`.

/** The share of requests that a version answered at a weight, in percent, and out of how many. */
export interface ObservedShare {
  weight: number;
  share: number;
  requests: number;
}

export interface CellResult {
  column: string;
  scenario: string;
  requests: number;
  /** Failed requests, without those that the canary itself answered with a 500. */
  failures: number;
  /** 500s of the bad release's canary. */
  canaryErrors: number;
  shares: ObservedShare[];
  /** Everything that had to hold did. */
  passed: boolean;
}

/** File that results are appended to, a line of JSON each; unset, they are only judged. */
export const RESULTS_FILE = 'KANARI_TRAFFIC_RESULTS';

export const recordResult = (result: CellResult): void => {
  const file = process.env[RESULTS_FILE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(result)}\n`);
};
