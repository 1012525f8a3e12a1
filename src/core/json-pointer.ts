// Places in a JSON document (RFC 6901).

const POINTER = /^(?:\/(?:[^~]|~[01])*)?$/s;

/** The names along the way; undefined where the text is no pointer. The empty text is the whole document. */
export const parsePointer = (text: string): string[] | undefined =>
  POINTER.test(text)
    ? text
        .split('/')
        .slice(1)
        .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    : undefined;

/** The text of a pointer. */
export const formatPointer = (pointer: readonly string[]): string =>
  pointer.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

const INDEX = /^(?:0|[1-9]\d*)$/;

const stepInto = (value: unknown, name: string): unknown => {
  if (Array.isArray(value)) return INDEX.test(name) ? (value[Number(name)] as unknown) : undefined;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
};

/** What is there in a parsed document; undefined where nothing is. */
export const valueAt = (document: unknown, pointer: readonly string[]): unknown =>
  pointer.reduce(stepInto, document);
