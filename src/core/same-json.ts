import jsonPatch from 'fast-json-patch';

/** Deep equality of two JSON values: the order of keys doesn't count, the order of lists does. */
export const sameJson = (left: unknown, right: unknown): boolean =>
  jsonPatch.compare({ value: left }, { value: right }).length === 0;

const sorted = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
    : value;

/** One text for all values that `sameJson` calls equal, to look many of them up by. */
export const jsonKey = (value: unknown): string => JSON.stringify(value, sorted);
