import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

/** 7 MiB: two objects of the API server's own 3 MiB limit, and the envelope. */
export const BODY_LIMIT_BYTES = 7 * 1024 * 1024;
// No object that the API server stores is anywhere near; what walks a value by recursion stays far from its end.
const MOST_LEVELS = 500;

const [OPEN_OBJECT, OPEN_LIST, CLOSE_OBJECT, CLOSE_LIST, QUOTE, BACKSLASH] = Buffer.from('{[}]"\\');

/** Undefined where the request does not say. */
export const announcedBytes = (request: IncomingMessage): number | undefined => {
  const length = request.headers['content-length'];
  return length === undefined ? undefined : Number(length);
};

/** All of the body; or why there is none: it is longer than the limit, or the client went away. */
export const readBody = (request: IncomingMessage): Promise<Buffer | 'TooLarge' | 'Aborted'> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= BODY_LIMIT_BYTES) return void chunks.push(chunk);
      // What still comes is thrown away, so that the client can hear the answer.
      chunks.length = 0;
      resolve('TooLarge');
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', () => resolve('Aborted'));
    request.on('close', () => resolve('Aborted'));
  });

/** Where the string that begins there ends, over what is escaped. */
const endOfString = (text: Buffer, from: number): number => {
  let at = from + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
};

/** Whether objects and lists are nested deeper than any that the API server could mean. */
const isTooDeep = (text: Buffer): boolean => {
  let levels = 0;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === QUOTE) at = endOfString(text, at);
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) levels += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) levels -= 1;
    if (levels > MOST_LEVELS) return true;
  }
  return false;
};

export type DecodedBody = { ok: true; value: unknown } | { ok: false; message: string };

/** JSON in UTF-8, nested no deeper than 500 levels. */
export const decodeBody = (body: Buffer): DecodedBody => {
  if (!isUtf8(body)) return { ok: false, message: 'the body is not UTF-8' };
  if (isTooDeep(body)) return { ok: false, message: `the body is nested deeper than ${MOST_LEVELS} levels` };
  try {
    return { ok: true, value: JSON.parse(body.toString('utf8')) as unknown };
  } catch (error) {
    return { ok: false, message: `the body is no JSON: ${error instanceof Error ? error.message : ''}` };
  }
};
