import { z } from 'zod';
import type { KubeObject } from '../core/objects.ts';
import type { JsonPatchOperation } from '../kube/api.ts';
import { shapeProblem } from './object-shape.ts';

/** What the API server asks. Objects are as they came: nothing is dropped, nothing defaulted. */
export interface AdmissionRequest {
  uid: string;
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  kind: { group: string; version: string; kind: string };
  resource: { group: string; version: string; resource: string };
  /** Empty for objects without one. */
  namespace: string;
  /** Empty when the API server is still to generate it. */
  name: string;
  /** Undefined on DELETE. */
  object: KubeObject | undefined;
  /** Undefined on CREATE. */
  oldObject: KubeObject | undefined;
  dryRun: boolean;
  username: string;
}

export type AdmissionOutcome =
  | { allowed: true; patch: JsonPatchOperation[]; warnings: string[]; reason: string }
  | {
      allowed: false;
      message: string;
      reason: string;
      /** HTTP status that kubectl reports; 403 if not given. */
      code?: number;
      warnings: string[];
    };

/** Pure: no I/O beyond caches, no clock, no randomness; the same answer for a dry run. */
export type Decide = (request: AdmissionRequest) => AdmissionOutcome;

// Only checked, never rebuilt: a schema with fields would copy megabytes and lose what it does not name.
const rawObject = z
  .custom<KubeObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: 'expected an object',
  })
  .nullish()
  .transform((object) => object ?? undefined);

const review = z.object({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.object({
    uid: z.string().min(1),
    operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
    kind: z.object({ group: z.string(), version: z.string(), kind: z.string() }),
    resource: z.object({ group: z.string(), version: z.string(), resource: z.string() }),
    namespace: z.string().default(''),
    name: z.string().default(''),
    object: rawObject,
    oldObject: rawObject,
    dryRun: z.boolean().default(false),
    userInfo: z.object({ username: z.string().default('') }),
  }),
});

export type DecodedReview = { ok: true; request: AdmissionRequest } | { ok: false; message: string };

const refusal = (message: string): DecodedReview => ({
  ok: false,
  message: `no AdmissionReview v1: ${message}`,
});

/** Reads the body of an AdmissionReview v1; what is wrong with it comes back in words. */
export const decodeReview = (body: unknown): DecodedReview => {
  const parsed = review.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refusal(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const { userInfo, ...request } = parsed.data.request;
  for (const name of ['object', 'oldObject'] as const) {
    const problem = request[name] === undefined ? undefined : shapeProblem(request[name], request.kind);
    if (problem !== undefined) return refusal(`request.${name}.${problem}`);
  }
  if (request.operation === 'UPDATE' && request.oldObject === undefined) {
    return refusal('request.oldObject: expected with an UPDATE');
  }
  return { ok: true, request: { ...request, username: userInfo.username } };
};

// The API server truncates warnings: 256 characters each is what it promises to keep.
const WARNING_LENGTH = 256;
const cut = (warning: string): string =>
  warning.length <= WARNING_LENGTH ? warning : `${warning.slice(0, WARNING_LENGTH - 1)}…`;

/** The answer, as an AdmissionReview v1. */
export const encodeReview = (uid: string, outcome: AdmissionOutcome): object => {
  const response: Record<string, unknown> = { uid, allowed: outcome.allowed };
  if (outcome.warnings.length > 0) response['warnings'] = outcome.warnings.map(cut);
  if (!outcome.allowed) {
    response['status'] = { code: outcome.code ?? 403, reason: outcome.reason, message: outcome.message };
  } else if (outcome.patch.length > 0) {
    response['patchType'] = 'JSONPatch';
    response['patch'] = Buffer.from(JSON.stringify(outcome.patch)).toString('base64');
  }
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
};
