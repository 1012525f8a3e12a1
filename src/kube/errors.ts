export interface StatusCause {
  /** Path of the field, e.g. `spec.replicas`. */
  field?: string;
  reason?: string;
  message?: string;
}

export interface KubeErrorDetails {
  /** HTTP status; 0 when no complete answer arrived. */
  status: number;
  /** The API server's word (`NotFound`, `Conflict`), or Kanari's when it gave none (`Unreachable`, `Timeout`). */
  reason: string;
  message: string;
  causes?: StatusCause[];
  retryAfterMs?: number | undefined;
}

/** What the API server, or the way to it, answered instead of success. Carries no header and no request. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly status: number;
  readonly reason: string;
  readonly causes: StatusCause[];
  /** How long the server asks to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(details: KubeErrorDetails) {
    super(details.message);
    this.status = details.status;
    this.reason = details.reason;
    this.causes = details.causes ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}

const hasStatus = (error: unknown, ...statuses: number[]): error is KubeError =>
  error instanceof KubeError && statuses.includes(error.status);

/** Somebody else wrote in between, or the object exists already. */
export const isConflict = (error: unknown): error is KubeError => hasStatus(error, 409);
export const isAlreadyExists = (error: unknown): error is KubeError =>
  isConflict(error) && error.reason === 'AlreadyExists';
/** The resource version, or the page token, is too old. */
export const isGone = (error: unknown): error is KubeError => hasStatus(error, 410);
export const isNotFound = (error: unknown): error is KubeError => hasStatus(error, 404);
/** Refused by validation, or a `test` of a JSON patch failed. */
export const isInvalid = (error: unknown): error is KubeError => hasStatus(error, 422);
export const isUnauthorized = (error: unknown): error is KubeError => hasStatus(error, 401);
export const isForbidden = (error: unknown): error is KubeError => hasStatus(error, 403);
/** No complete answer arrived: refused, reset, timed out. Whether a write was done is unknown. */
export const isUnreachable = (error: unknown): error is KubeError => hasStatus(error, 0);
/** The same read may succeed later. */
export const isRetryable = (error: unknown): error is KubeError =>
  hasStatus(error, 0, 429, 500, 502, 503, 504) && error.reason !== 'Undecodable';

const HTTP_REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

const stringOr = (value: unknown, fallback: string): string =>
  typeof value === 'string' && value !== '' ? value : fallback;

/** Milliseconds of a `Retry-After` header in seconds; its date form is not used by the API server. */
export const parseRetryAfter = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;

const causesOf = (details: Record<string, unknown>): StatusCause[] =>
  Array.isArray(details['causes']) ? details['causes'].map((cause) => recordOf(cause) as StatusCause) : [];

/**
 * KubeError from the body of an unsuccessful answer: a Status object, or whatever a proxy in between sent (cut short).
 * `retryAfterMs` is that of the header, which wins over the body's.
 */
export const errorFromStatus = (status: number, body: unknown, retryAfterMs?: number): KubeError => {
  const parsed = recordOf(body);
  const details = recordOf(parsed['details']);
  const seconds = details['retryAfterSeconds'];
  const text = typeof body === 'string' ? body.slice(0, 300) : '';
  const code = parsed['kind'] === 'Status' && typeof parsed['code'] === 'number' ? parsed['code'] : status;
  const reason = stringOr(parsed['reason'], HTTP_REASONS[code] ?? `Http${code}`);
  return new KubeError({
    status: code,
    reason,
    message: stringOr(parsed['message'], text === '' ? `the API server answered ${code} ${reason}` : text),
    causes: causesOf(details),
    retryAfterMs: retryAfterMs ?? (typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined),
  });
};

/** One line for logs out of anything thrown. */
export const describeError = (error: unknown): { reason: string; message: string } =>
  error instanceof KubeError
    ? {
        reason: error.status === 0 ? error.reason : `${error.status} ${error.reason}`,
        message: error.message,
      }
    : error instanceof Error
      ? { reason: error.name, message: error.message }
      : { reason: 'Thrown', message: String(error) };
