import type { KubeObject } from '../core/objects.ts';
import type { JsonPatchOperation } from './api.ts';

/**
 * Whether version `a` was written after `b`. The API server defines versions of one kind to be comparable as decimal
 * numbers; anything else counts as newer, so that an update is never lost.
 */
export const isNewer = (a: string | undefined, b: string | undefined): boolean => {
  if (a === undefined || b === undefined) return true;
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return a !== b;
  return a.length === b.length ? a > b : a.length > b.length;
};

/** The test that an object is still the one that was read. */
export const unchangedSince = ({ metadata }: Pick<KubeObject, 'metadata'>): JsonPatchOperation => ({
  op: 'test',
  path: '/metadata/resourceVersion',
  value: metadata.resourceVersion,
});
