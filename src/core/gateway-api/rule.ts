import { z } from 'zod';
import type { Json, JsonObject } from '../objects.ts';

// Rules of an HTTPRoute or a GRPCRoute, and the room that the schema of the Gateway API leaves in them.

export type HeaderOperation = {
  name: string;
  value: string;
};

export type Filter = JsonObject & {
  type: string;
  requestMirror?: { backendRef: BackendRef; percent?: number; fraction?: JsonObject };
  responseHeaderModifier?: { set?: HeaderOperation[]; add?: HeaderOperation[]; remove?: string[] };
};

export type BackendRef = JsonObject & {
  name: string;
  group?: string;
  kind?: string;
  namespace?: string;
  weight?: number;
  filters?: Filter[];
};

/** A value of a request that a rule asks for. */
export type ValueMatch = {
  type?: string;
  name: string;
  value: string;
};

export type RuleMatch = JsonObject & {
  path?: { type?: string; value?: string };
  /** Of an HTTPRoute a word, of a GRPCRoute an object. */
  method?: Json;
  headers?: ValueMatch[];
  queryParams?: ValueMatch[];
};

export type Rule = JsonObject & { matches?: RuleMatch[]; filters?: Filter[]; backendRefs?: BackendRef[] };

export const MAX_RULES = 16;
export const MAX_REFS = 16;
export const MAX_FILTERS = 16;
/** Of one rule. */
export const MAX_MATCHES = 64;
/** Of all rules together. */
export const MAX_ALL_MATCHES = 128;
/** Headers, or query parameters, of one match. */
export const MAX_VALUES = 16;
/** Headers that one filter adds. */
export const MAX_HEADERS = 16;

const reference = {
  name: z.string(),
  group: z.string().optional(),
  kind: z.string().optional(),
  namespace: z.string().optional(),
};
const header = z.looseObject({ name: z.string(), value: z.string() });
const filters = z
  .array(
    z.looseObject({
      type: z.string(),
      requestMirror: z.looseObject({ backendRef: z.looseObject(reference) }).optional(),
      responseHeaderModifier: z
        .looseObject({
          set: z.array(header).optional(),
          add: z.array(header).optional(),
          remove: z.array(z.string()).optional(),
        })
        .optional(),
    }),
  )
  .optional();
const values = z
  .array(z.looseObject({ type: z.string().optional(), name: z.string(), value: z.string() }))
  .optional();

export const ruleShape = z.looseObject({
  matches: z
    .array(
      z.looseObject({
        path: z.looseObject({ type: z.string().optional(), value: z.string().optional() }).optional(),
        headers: values,
        queryParams: values,
      }),
    )
    .optional(),
  filters,
  backendRefs: z
    .array(z.looseObject({ ...reference, weight: z.int().min(0).optional(), filters }))
    .optional(),
});
