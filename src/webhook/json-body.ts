import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

/** 7 MiB: two objects of the API server's own 3 MiB limit, and the envelope. */
export const BODY_LIMIT_BYTES = 7 * 1024 * 1024;
// No object that the API server stores is anywhere near; what walks a value by recursion stays far from its end.
const MOST_LEVELS = 500;
// Of 7 MiB of an API server's, each value takes a dozen bytes and more. Three million empty ones would fill the heap.
const MOST_VALUES = 1_000_000;

const [OPEN_OBJECT, OPEN_LIST, CLOSE_OBJECT, CLOSE_LIST, COMMA, QUOTE, BACKSLASH] = Buffer.from('{[}],"\\');

/** Undefined where the request does not say. */
export const announcedBytes = (request: IncomingMessage): number | undefined => {
  const length = request.headers['content-length'];
  return length === undefined ? undefined : Number(length);
};

/** All of the body; or why there is none: it is longer than the limit, or the client went away. */
export const readBody = (request: IncomingMessage): Promise<Buffer | 'TooLarge' | 'Aborted'> =>
  new Promise((resolve) => {
    // In one piece from the start: joined in the end, it would be there twice.
    const body = Buffer.allocUnsafe(Math.min(announcedBytes(request) ?? BODY_LIMIT_BYTES, BODY_LIMIT_BYTES));
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      // What still comes is thrown away, so that the client can hear the answer.
      if (length > body.length) resolve('TooLarge');
      else chunk.copy(body, length - chunk.length);
    });
    request.on('end', () => resolve(body.subarray(0, length)));
    request.on('error', () => resolve('Aborted'));
    request.on('close', () => resolve('Aborted'));
  });

/** Where the string that begins there ends, over what is escaped. */
const endOfString = (text: Buffer, from: number): number => {
  let at = from + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
};

/** Why to parse it would cost too much, whatever it says: as seen from its punctuation. */
const structureProblem = (text: Buffer): string | undefined => {
  let levels = 0;
  let values = 1;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === QUOTE) at = endOfString(text, at);
    else if (byte === COMMA) values += 1;
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      levels += 1;
      values += 1;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) levels -= 1;
    if (levels > MOST_LEVELS) return `the body is nested deeper than ${MOST_LEVELS} levels`;
  }
  return values > MOST_VALUES ? `the body has more than ${MOST_VALUES} values` : undefined;
};

export type DecodedBody = { ok: true; value: unknown } | { ok: false; message: string };

/** JSON in UTF-8, of at most 500 levels and a million values. */
export const decodeBody = (body: Buffer): DecodedBody => {
  if (!isUtf8(body)) return { ok: false, message: 'the body is not UTF-8' };
  const problem = structureProblem(body);
  if (problem !== undefined) return { ok: false, message: problem };
  try {
    return { ok: true, value: JSON.parse(body.toString('utf8')) as unknown };
  } catch (error) {
    return { ok: false, message: `the body is no JSON: ${error instanceof Error ? error.message : ''}` };
  }
};
