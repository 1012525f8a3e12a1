/**
 * Whether version `a` was written after `b`. The API server defines versions of one kind to be comparable as decimal
 * numbers; anything else counts as newer, so that an update is never lost.
 */
export const isNewer = (a: string | undefined, b: string | undefined): boolean => {
  if (a === undefined || b === undefined) return true;
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return a !== b;
  return a.length === b.length ? a > b : a.length > b.length;
};
