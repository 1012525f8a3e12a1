import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import {
  type AdmissionOutcome,
  type AdmissionRequest,
  type Decide,
  decodeReview,
  encodeReview,
} from './review.ts';

/** An HTTP answer as a value. */
export interface Answer {
  status: number;
  body: object;
}

export type AdmissionHandler = (body: unknown) => Answer;

export interface HandlerDependencies {
  decide: Decide;
  log: Logger;
  metrics: Pick<Metrics, 'admissionDuration' | 'admissionRequests'>;
  /** Milliseconds, monotonic. */
  now: () => number;
}

// The API server gives up after 3 s; an answer this late was probably not heard any more.
const LATE_MS = 2_500;

const outcomeName = (outcome: AdmissionOutcome): string => {
  if (!outcome.allowed) return 'denied';
  return outcome.patch.length > 0 ? 'patched' : 'allowed';
};

const logFields = ({ uid, operation, kind, namespace, name, dryRun }: AdmissionRequest) => ({
  uid,
  operation,
  kind: kind.kind,
  object: `${namespace}/${name}`,
  dryRun,
});

/**
 * Decodes a review, asks `decide` and encodes its answer; never throws. An error inside `decide` answers 500, so that
 * the failurePolicy of the webhook decides: an opted-in Deployment must not slip through ungated because of a bug.
 */
export const createHandler = ({ decide, log, metrics, now }: HandlerDependencies): AdmissionHandler => {
  const finish = (started: number, outcome: string, reason: string): void => {
    const tookMs = now() - started;
    metrics.admissionRequests.inc({ outcome, reason });
    metrics.admissionDuration.observe({ outcome }, tookMs / 1_000);
    if (tookMs > LATE_MS) log.warn({ outcome, reason, tookMs }, 'admission answered late');
  };

  return (body) => {
    const started = now();
    const decoded = decodeReview(body);
    if (!decoded.ok) {
      finish(started, 'refused', 'Malformed');
      return { status: 400, body: { error: decoded.message } };
    }
    const { request } = decoded;
    try {
      const outcome = decide(request);
      const answer = { status: 200, body: encodeReview(request.uid, outcome) };
      finish(started, outcomeName(outcome), outcome.reason);
      log.debug(
        { ...logFields(request), outcome: outcomeName(outcome), reason: outcome.reason },
        'admission',
      );
      return answer;
    } catch (error) {
      finish(started, 'failed', 'InternalError');
      log.error({ ...logFields(request), err: error }, 'admission decision failed');
      return { status: 500, body: { error: 'internal error, see the log of kanari' } };
    }
  };
};
