import { FIELD_MANAGER } from '../core/marks.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Reader, Writer } from '../kube/api.ts';
import { isConflict, isInvalid, isNotFound } from '../kube/errors.ts';
import type { ObjectRef } from '../kube/resources.ts';

// Field ownership given up: whoever owns a field makes the next server-side apply of its user fail with a conflict.

/** Who loses this often will be asked by the next apply; nothing depends on it. */
const ATTEMPTS = 4;

/** Places in `metadata.managedFields` of what Kanari owns of the spec, last first. */
const ownedEntries = ({ metadata }: KubeObject): number[] =>
  (metadata.managedFields ?? [])
    .flatMap((entry, index) => {
      if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return [];
      return entry['manager'] === FIELD_MANAGER && entry['subresource'] === undefined ? [index] : [];
    })
    .reverse();

/** Takes Kanari out of the owners of an object's fields. */
export const disown = async (
  { reader, writer }: { reader: Reader; writer: Writer },
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<void> => {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      const object = await reader.get(ref, { signal });
      const entries = ownedEntries(object);
      if (entries.length === 0) return;
      const { resourceVersion } = object.metadata;
      const removals = entries.map(
        (at) => ({ op: 'remove', path: `/metadata/managedFields/${at}` }) as const,
      );
      const unchanged = { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion } as const;
      await writer.jsonPatch(ref, [unchanged, ...removals], { signal });
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error) && !isInvalid(error)) throw error;
    }
  }
};
