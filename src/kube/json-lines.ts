import { KubeError } from './errors.ts';

// An object is at most 1.5 MiB in etcd; the decoded form is larger, never by this much.
const MAX_LINE_CHARS = 16 * 1024 * 1024;

const parseLine = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    throw new KubeError({ status: 0, reason: 'Undecodable', message: 'a line of the stream is no JSON' });
  }
};

/**
 * Decodes one JSON value per line from text chunks that break anywhere. Text without a final newline is the rest of a
 * cut connection and dropped. Throws KubeError `Undecodable`, or `LineTooLong` above `maxLineChars`.
 */
export async function* decodeJsonLines(
  chunks: AsyncIterable<string>,
  maxLineChars: number = MAX_LINE_CHARS,
): AsyncGenerator<unknown, void, void> {
  // Pieces are joined only when the line ends: appending to one string would scan a large line again per chunk.
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const lines = chunk.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      const whole = pieces.length === 0 ? line : pieces.join('') + line;
      pieces = [];
      length = 0;
      if (whole.trim() !== '') yield parseLine(whole);
    }
    if (rest !== '') pieces.push(rest);
    length += rest.length;
    if (length > maxLineChars) {
      throw new KubeError({
        status: 0,
        reason: 'LineTooLong',
        message: `a line of the stream is longer than ${maxLineChars} characters`,
      });
    }
  }
}
