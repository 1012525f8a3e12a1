import { FIELD_MANAGER } from '../core/marks.ts';
import type { KubeObject } from '../core/objects.ts';
import type { JsonPatchOperation } from './api.ts';
import { unchangedSince } from './resource-version.ts';

// Field ownership given up: whoever owns a field makes the next server-side apply of its user fail with a conflict.

/** Places in `metadata.managedFields` by which Kanari owns fields of the object, its status aside; last first. */
export const ownedEntries = ({ metadata }: KubeObject): number[] =>
  (metadata.managedFields ?? [])
    .flatMap((entry, index) => {
      if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return [];
      return entry['manager'] === FIELD_MANAGER && entry['subresource'] === undefined ? [index] : [];
    })
    .reverse();

/** What takes Kanari out of the owners of exactly this object's fields; undefined where it is none of them. */
export const disownPatch = (object: KubeObject): JsonPatchOperation[] | undefined => {
  const removals = ownedEntries(object).map(
    (at): JsonPatchOperation => ({ op: 'remove', path: `/metadata/managedFields/${at}` }),
  );
  return removals.length === 0 ? undefined : [unchangedSince(object), ...removals];
};
