/** RFC 3339 with exactly six fraction digits: what the API server accepts for a Lease's times, and nothing else. */
export const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

/** RFC 3339 in whole seconds, as core/v1 Events carry it. */
export const secondTime = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
