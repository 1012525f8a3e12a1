import jsonPatch from 'fast-json-patch';

/** Deep equality of two JSON values: the order of keys doesn't count, the order of lists does. */
export const sameJson = (left: unknown, right: unknown): boolean =>
  jsonPatch.compare({ value: left }, { value: right }).length === 0;
