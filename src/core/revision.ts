import { createHash } from 'node:crypto';
import { strip } from './injection.ts';
import { HASH_LABEL } from './marks.ts';
import type { Json, PodTemplate } from './objects.ts';
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
  `${ALGORITHM}-${createHash('sha256').update(canonical).digest('hex').slice(0, DIGITS)}`;

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

// Written straight to text: a sorted copy of the whole template would cost more. So would JSON.stringify for each of
// the many short strings that need no escapes.
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

const writeText = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

const write = (value: Json): string => {
  if (typeof value === 'string') return writeText(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += (text === '' ? '' : ',') + write(item);
    return `[${text}]`;
  }
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member === null || member === undefined) continue;
    text += `${text === '' ? '' : ','}${writeText(key)}:${write(member)}`;
  }
  return `{${text}}`;
};
