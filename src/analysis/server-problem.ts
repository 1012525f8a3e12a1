import type { HttpOutcome } from './http-exchange.ts';
import type { Problem } from './metric-reasons.ts';
import * as reasons from './metric-reasons.ts';

// What is wrong with an exchange with a metrics server, whatever it was asked.

/** Of a status that is no answer, with the server's own words where it has some. */
export const problemOfStatus = (status: number, words?: string): Problem =>
  status >= 300 && status < 400
    ? {
        reason: reasons.REDIRECTED,
        message: `the metrics server redirects (HTTP ${status}): configure its own address`,
      }
    : {
        reason: reasons.SERVER_ERROR,
        message: `the metrics server answered HTTP ${status}${words === undefined ? '' : `: ${words}`}`,
      };

/** Of an exchange that came to no answer. */
export const problemOf = ({ kind, message }: Exclude<HttpOutcome, { kind: 'answer' }>): Problem => {
  switch (kind) {
    case 'unreachable':
      return { reason: reasons.UNREACHABLE, message: `the metrics server gives no answer: ${message}` };
    case 'unusable':
      return { reason: reasons.INVALID, message };
    case 'uncredentialed':
      return { reason: reasons.NO_CREDENTIALS, message: `the metrics server is not asked: ${message}` };
  }
};
