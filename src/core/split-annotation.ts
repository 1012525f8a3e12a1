import { z } from 'zod';
import { SPLIT_ANNOTATION, SPLIT_ORIGIN_ANNOTATION } from './marks.ts';
import { annotationsOf, type KubeObject, type ObjectMeta } from './objects.ts';
import { jsonKey } from './same-json.ts';
import { shareParts } from './share.ts';

// `kanari.dev/split` on a route, a destination rule or a Service: who splits it, by Deployment.

const entry = z.object({
  /** Services of the namespace whose traffic is split. */
  services: z.array(z.string().min(1)).min(1),
  /** The canary's share in percent, integer; unused on objects without weights: destination rules and Services. */
  weight: z.int().min(0).max(100),
  ...shareParts,
  /** The user's subsets that the canary's pods belong to: destinations that name one are split within it. */
  subsets: z.array(z.string().min(1)).optional(),
  /** Gateway API: the Service of the canary by Service, where it does not have the name that follows from it. */
  canaryServices: z.record(z.string().min(1), z.string().min(1)).optional(),
});
const entries = z.record(z.string().min(1), entry);

export type SplitEntry = z.infer<typeof entry>;
/** By name of the Deployment. */
export type Splits = Record<string, SplitEntry>;

export type ParsedSplits = { ok: true; splits: Splits } | { ok: false; message: string };

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Reads the annotation's value; one that nobody of Kanari's wrote is told in words, never thrown. */
export const parseSplits = (value: string): ParsedSplits => {
  const parsed = entries.safeParse(parseJson(value));
  if (parsed.success) return { ok: true, splits: parsed.data };
  const example = formatSplits({ web: { services: ['web'], weight: 20 } });
  return {
    ok: false,
    message: `${SPLIT_ANNOTATION}: expected JSON such as ${example}; it is written by Kanari only, so remove it`,
  };
};

/** One spelling for equal splits, so that comparing strings is enough. */
export const formatSplits = (splits: Splits): string => jsonKey(splits);

/** The splits an object carries; none when it has none or they can't be read. */
export const splitsOf = (object: KubeObject): Splits => {
  const value = annotationsOf(object)[SPLIT_ANNOTATION];
  const parsed = value === undefined ? undefined : parseSplits(value);
  return parsed?.ok === true ? parsed.splits : {};
};

/** Sets both annotations; undefined removes one, and an annotations map that is then empty goes too. */
export const withSplitAnnotations = <T extends KubeObject>(
  object: T,
  { split, origin }: { split: string | undefined; origin: string | undefined },
): T => {
  const annotations = { ...annotationsOf(object) };
  delete annotations[SPLIT_ANNOTATION];
  delete annotations[SPLIT_ORIGIN_ANNOTATION];
  if (split !== undefined) annotations[SPLIT_ANNOTATION] = split;
  if (origin !== undefined) annotations[SPLIT_ORIGIN_ANNOTATION] = origin;
  const metadata = { ...object.metadata, annotations };
  if (Object.keys(annotations).length > 0) return { ...object, metadata };
  return { ...object, metadata: withoutAnnotations(metadata) };
};

const withoutAnnotations = (metadata: ObjectMeta): ObjectMeta => {
  const rest = { ...metadata };
  delete rest.annotations;
  return rest;
};

/** The origin annotation's JSON, if there is any to be read. */
export const originOf = (object: KubeObject): unknown => {
  const value = annotationsOf(object)[SPLIT_ORIGIN_ANNOTATION];
  return value === undefined ? undefined : parseJson(value);
};
