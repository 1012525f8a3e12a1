import { FIELD_MANAGER } from './marks.ts';
import type { KubeObject } from './objects.ts';

// Routes that are not as a run has written them: which, and whose they are now.

interface WriterEntry {
  manager?: string;
  time?: string;
  subresource?: string;
}

/** Field manager of the newest write that was not Kanari's, as far as `managedFields` are known. */
export const lastForeignWriter = ({ metadata }: KubeObject): string | undefined =>
  ((metadata.managedFields ?? []) as WriterEntry[])
    .filter(({ manager, subresource }) => manager !== FIELD_MANAGER && subresource === undefined)
    .reduce<WriterEntry | undefined>(
      (newest, entry) => ((entry.time ?? '') > (newest?.time ?? '') || newest === undefined ? entry : newest),
      undefined,
    )?.manager;

const wordsFor = (object: KubeObject): string => {
  const writer = lastForeignWriter(object);
  const name = `${object.kind} ${object.metadata.name}`;
  return writer === undefined ? name : `${name}, last written by ${writer}`;
};

/** In words, e.g. `VirtualService web, last written by jane`; undefined when there are none. */
export const describeRewritten = (objects: readonly KubeObject[]): string | undefined =>
  objects.length === 0 ? undefined : [...new Set(objects.map(wordsFor))].join('; ');
