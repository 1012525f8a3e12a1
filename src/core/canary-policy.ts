import { z } from 'zod';
import type { KubeObject } from './objects.ts';
import { listParts } from './policy-lists.ts';
import { shareParts } from './share.ts';
import { quote } from './text.ts';

// The CanaryPolicy kind: settings under a name, and what annotations have no room for.

/** CanaryPolicy (kanari.dev/v1alpha1), written by users. The schema that admits it is in manifests/base/crds. */
export interface CanaryPolicy extends KubeObject {
  spec?: Readonly<Record<string, unknown>>;
}

const DAY_SECONDS = 86_400;

const parts = z.object({
  match: shareParts.match,
  mirror: z.object({ percent: z.int().min(1).max(100).default(100) }).optional(),
  sessionAffinity: z
    .object({ cookieName: z.string().min(1), maxAge: z.int().min(1).default(DAY_SECONDS) })
    .optional(),
  stepWeightPromotion: z.int().min(1).max(100).optional(),
  ...listParts,
});

/** What only a policy can say. */
export type PolicyParts = z.infer<typeof parts>;

export type ParsedParts = { ok: true; parts: PolicyParts } | { ok: false; message: string };

/** The API server admits no others; a schema that was changed may. */
export const partsOf = ({ spec = {} }: CanaryPolicy): ParsedParts => {
  const parsed = parts.safeParse(spec);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const steps = (issue?.path ?? []).map((step) =>
      typeof step === 'number' ? `[${step}]` : `.${String(step)}`,
    );
    const path = `spec${steps.join('')}`;
    return { ok: false, message: `${quote(path)}: ${issue?.message ?? 'is not understood'}` };
  }
  return parsed.data.match === undefined || spec['iterations'] !== undefined
    ? { ok: true, parts: parsed.data }
    : { ok: false, message: 'spec.match: expected spec.iterations beside it (example: 10)' };
};

/** Name of the field that says what the annotation of that name says: `step-weight` is `stepWeight`. */
export const fieldOf = (setting: string): string =>
  setting.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** What an annotation would say; undefined where the policy says nothing. */
export const textOf = ({ spec = {} }: CanaryPolicy, setting: string): string | undefined => {
  const value = spec[fieldOf(setting)];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.join(',') : JSON.stringify(value);
};
