// Why a metrics server could not tell about a canary. docs/analysis.md explains each.

export const UNREACHABLE = 'MetricsServerUnreachable';
export const NO_CREDENTIALS = 'MetricsCredentialsMissing';
export const SERVER_ERROR = 'MetricsServerError';
export const REDIRECTED = 'MetricsServerRedirects';
export const INVALID = 'MetricsAnswerInvalid';
export const PARTIAL = 'MetricsAnswerPartial';
export const NO_SAMPLES = 'NoSamples';
export const NOT_NUMERIC = 'SamplesNotNumeric';
export const SEVERAL_SERIES = 'SeveralSeries';
export const NO_VALUE = 'ValueNotFound';
export const UNKNOWN_SERVER = 'MetricsServerUnknown';
export const UNFIT_QUERY = 'MetricQueryUnfit';
export const NO_BUCKET = 'LatencyLimitAboveBuckets';

/** Why there is no usable answer, in one word and in words. */
export interface Problem {
  reason: string;
  message: string;
}
