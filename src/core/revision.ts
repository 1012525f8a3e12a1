import { createHash } from 'node:crypto';
import { strip } from './injection.ts';
import type { Json, PodTemplate } from './objects.ts';
import type { Revision } from './run.ts';
import type { Injection } from './snapshot.ts';

/** Version of the algorithm below, part of every stored revision: another algorithm's value is never compared with it. */
const ALGORITHM = '1';
const DIGITS = 10;

/** Set by the Deployment controller on the templates of its ReplicaSets. */
const HASH_LABEL = 'pod-template-hash';

/** The name of a pod template's content: the same for a template before and after injection. */
export const revisionOf = (template: PodTemplate, injection: Injection): Revision => {
  const hash = createHash('sha256').update(canonicalTemplate(template, injection)).digest('hex');
  return `${ALGORITHM}-${hash.slice(0, DIGITS)}`;
};

/** Whether two templates ask for the same pods, what Kanari injects aside. */
export const sameTemplate = (a: PodTemplate, b: PodTemplate, injection: Injection): boolean =>
  canonicalTemplate(a, injection) === canonicalTemplate(b, injection);

const canonicalTemplate = (template: PodTemplate, injection: Injection): string => {
  const { labels, ...metadata } = template.metadata ?? {};
  const ownLabels = Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => key !== HASH_LABEL));
  return canonicalJson(
    strip({ ...template, metadata: { ...metadata, labels: ownLabels, creationTimestamp: null } }, injection),
  );
};

/**
 * JSON with sorted keys and without nulls. Empty strings, objects and lists stay: `tier: ""` is a real change.
 * Metadata of which nothing is left counts as absent.
 */
const canonicalJson = (template: PodTemplate): string => {
  const { metadata, ...rest } = template;
  const hasMetadata = metadata !== undefined && Object.values(metadata).some((value) => value !== null);
  return write(hasMetadata ? { ...rest, metadata } : rest);
};

// Written straight to text: a sorted copy of the whole template would cost several times as much in every admission.
const write = (value: Json): string => {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== null && member !== undefined) members.push(`${JSON.stringify(key)}:${write(member)}`);
  }
  return `{${members.join(',')}}`;
};
