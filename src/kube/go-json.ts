// The API server stores some parts of an object as the bytes it was sent (`data` of a ControllerRevision) and compares
// them later with what it encodes itself: bytes that differ from Go's count as a change of an immutable field.

const ESCAPED = /[<>&\u2028\u2029]/g;

const escapeOf = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON with the escapes that Go writes: the same value, and inside strings only. */
export const goJson = (value: unknown): string => JSON.stringify(value).replace(ESCAPED, escapeOf);

/** A copy whose keys are in the order in which Go writes those of a map, at every depth. */
export const withSortedKeys = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(withSortedKeys) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, withSortedKeys(member)])) as T;
};
