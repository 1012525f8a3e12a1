import { hash } from 'node:crypto';
import { strip } from './injection.ts';
import { HASH_LABEL } from './marks.ts';
import type { Json, JsonObject, PodTemplate } from './objects.ts';
import type { Revision } from './run.ts';
import type { Injection } from './snapshot.ts';

/** Version of the algorithm below, part of every stored revision: another algorithm's value is never compared with it. */
const ALGORITHM = '1';
const DIGITS = 10;

/**
 * A pod template as text that is the same exactly when the pods asked for are: without what Kanari injects and what the
 * Deployment controller adds, keys sorted. It costs more than all else in an admission: make it once.
 */
export const canonicalTemplate = (template: PodTemplate, injection: Injection): string => {
  const { labels, ...metadata } = template.metadata ?? {};
  const ownLabels = Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => key !== HASH_LABEL));
  return canonicalJson(
    strip({ ...template, metadata: { ...metadata, labels: ownLabels, creationTimestamp: null } }, injection),
  );
};

/** The name of what a canonical template says. */
export const revisionOfCanonical = (canonical: string): Revision =>
  `${ALGORITHM}-${hash('sha256', canonical).slice(0, DIGITS)}`;

/** The name of a pod template's content: the same for a template before and after injection. */
export const revisionOf = (template: PodTemplate, injection: Injection): Revision =>
  revisionOfCanonical(canonicalTemplate(template, injection));

/** Whether two templates ask for the same pods, what Kanari injects aside. */
export const sameTemplate = (a: PodTemplate, b: PodTemplate, injection: Injection): boolean =>
  canonicalTemplate(a, injection) === canonicalTemplate(b, injection);

/**
 * JSON with sorted keys and without nulls. Empty strings, objects and lists stay: `tier: ""` is a real change.
 * Metadata of which nothing is left counts as absent.
 */
const canonicalJson = (template: PodTemplate): string => {
  const { metadata, ...rest } = template;
  const hasMetadata = metadata !== undefined && Object.values(metadata).some((value) => value !== null);
  return write(hasMetadata ? { ...rest, metadata } : rest);
};

// JSON.stringify is many times as fast as anything written here, and right wherever the keys are in order already: in
// most of a template. Only what lies above the rest of it is put together from parts.
const write = (value: Json): string => rewritten(value) ?? JSON.stringify(value);

/** The canonical text; undefined where JSON.stringify writes the same. Looks at each value once. */
const rewritten = (value: Json): string | undefined => {
  if (value === null || typeof value !== 'object') return undefined;
  return Array.isArray(value) ? rewrittenList(value) : rewrittenObject(value);
};

const rewrittenList = (list: Json[]): string | undefined => {
  const texts = list.map(rewritten);
  if (texts.every((text) => text === undefined)) return undefined;
  return `[${list.map((item, index) => texts[index] ?? JSON.stringify(item)).join(',')}]`;
};

const rewrittenObject = (object: JsonObject): string | undefined => {
  const keys = Object.keys(object);
  let texts: Map<string, string> | undefined;
  let inOrder = true;
  let last = '';
  for (const key of keys) {
    const member = object[key] ?? null;
    const text = rewritten(member);
    if (text !== undefined) (texts ??= new Map()).set(key, text);
    if (member === null || key < last) inOrder = false;
    last = key;
  }
  return inOrder && texts === undefined ? undefined : sorted(object, keys.sort(), texts);
};

const sorted = (
  object: JsonObject,
  keys: readonly string[],
  texts: ReadonlyMap<string, string> | undefined,
): string => {
  let text = '';
  for (const key of keys) {
    const member = object[key] ?? null;
    if (member === null) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${texts?.get(key) ?? JSON.stringify(member)}`;
  }
  return `{${text}}`;
};
