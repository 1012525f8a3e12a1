import { z } from 'zod';
import type { HttpOutcome } from './http-exchange.ts';
import type { Problem } from './metric-reasons.ts';
import * as reasons from './metric-reasons.ts';
import { problemOf, problemOfStatus } from './server-problem.ts';

/** One series of an instant vector. */
export interface Series {
  labels: Record<string, string>;
  /** As Prometheus computed it: may be NaN or infinite. */
  value: number;
}

export type Answer =
  /** A scalar is one series without labels. */
  { ok: true; series: Series[]; isScalar?: true } | ({ ok: false } & Problem);

/** Of a server's own words, as many as fit a status message. */
const MAX_WORDS = 200;

const refuse = (reason: string, message: string): Answer => ({ ok: false, reason, message });

const envelope = z.object({
  status: z.string(),
  error: z.string().optional(),
  errorType: z.string().optional(),
  warnings: z.array(z.string()).optional(),
  data: z.object({ resultType: z.string(), result: z.unknown() }).optional(),
});

const vector = z.array(
  z.object({
    metric: z.record(z.string(), z.string()),
    value: z.tuple([z.number(), z.string()]),
  }),
);

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Prometheus spells `NaN`, `+Inf` and `-Inf`; anything else that is not a number becomes NaN. */
const parseValue = (text: string): number => {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text.trim() === '' ? Number.NaN : Number(text);
};

const statusProblem = (status: number, error: string | undefined): Answer => ({
  ok: false,
  ...problemOfStatus(status, error?.slice(0, MAX_WORDS)),
});

const notVector = (type: string): Answer =>
  refuse(reasons.INVALID, `the metrics server answered ${type} where a vector was asked for`);

/** What answers a query for series: a scalar does not. */
export const vectorOnly = (answer: Answer): Answer =>
  answer.ok && answer.isScalar === true ? notVector('scalar') : answer;

const scalar = z.tuple([z.number(), z.string()]);

const decodeData = (data: z.infer<typeof envelope>['data']): Answer => {
  if (data?.resultType === 'scalar') {
    const [, value] = scalar.safeParse(data.result).data ?? [];
    if (value === undefined)
      return refuse(reasons.INVALID, 'the scalar of the metrics server can not be read');
    return { ok: true, series: [{ labels: {}, value: parseValue(value) }], isScalar: true };
  }
  if (data?.resultType !== 'vector') return notVector(data?.resultType ?? 'nothing');
  const result = vector.safeParse(data.result);
  if (!result.success) return refuse(reasons.INVALID, 'the vector of the metrics server can not be read');
  const series = result.data.map(({ metric, value }) => ({ labels: metric, value: parseValue(value[1]) }));
  return { ok: true, series };
};

const decodeBody = (status: number, body: string): Answer => {
  const parsed = envelope.safeParse(parseJson(body));
  if (status !== 200) return statusProblem(status, parsed.data?.error);
  if (!parsed.success) return refuse(reasons.INVALID, 'the answer is not what a Prometheus server gives');
  if (parsed.data.status !== 'success') return statusProblem(status, parsed.data.error);
  const [warning] = parsed.data.warnings ?? [];
  if (warning !== undefined) {
    return refuse(reasons.PARTIAL, `the metrics server warns: ${warning.slice(0, MAX_WORDS)}`);
  }
  return decodeData(parsed.data.data);
};

/** What the server said to an instant query: series, or why there are none to use. */
export const decodeAnswer = (outcome: HttpOutcome): Answer =>
  outcome.kind === 'answer' ? decodeBody(outcome.status, outcome.body) : { ok: false, ...problemOf(outcome) };
