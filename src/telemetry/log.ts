import { Transform } from 'node:stream';
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

// Whatever is logged by mistake, these never come out: a token in an error dump is how clusters are lost.
const SECRET_NAMES = [
  'authorization',
  'Authorization',
  'token',
  'key',
  'privateKey',
  '["tls.key"]',
  '["ca.key"]',
];
const REDACTED = SECRET_NAMES.flatMap((name) => {
  const path = name.startsWith('[') ? name : `.${name}`;
  return [path.replace(/^\./, ''), `*${path}`, `*.*${path}`, `*.*.*${path}`];
});

const LEVEL_NAMES: Readonly<Record<number, string>> = {
  20: 'DEBUG',
  30: 'INFO ',
  40: 'WARN ',
  50: 'ERROR',
  60: 'FATAL',
};

/** One line for people out of one line of JSON; text that is no JSON passes as it is. */
export const prettyLine = (line: string): string => {
  try {
    const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const clock = typeof time === 'string' ? time.slice(11, 23) : '';
    const rest = Object.entries(fields).map(([name, value]) =>
      name === 'err' && typeof value === 'object' && value !== null && 'stack' in value
        ? `\n  ${String(value.stack)}`
        : ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
    return `${clock} ${LEVEL_NAMES[Number(level)] ?? String(level)} ${String(msg)}${rest.join('')}\n`;
  } catch {
    return `${line}\n`;
  }
};

const prettyStream = (output: NodeJS.WritableStream): DestinationStream => {
  const pretty = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      const lines = chunk.toString('utf8').split('\n').filter(Boolean);
      done(null, lines.map(prettyLine).join(''));
    },
  });
  pretty.pipe(output);
  return pretty;
};

/** JSON lines with RFC 3339 times; one readable line each when the output is a terminal. */
export const createLog = (
  level: string,
  output: NodeJS.WritableStream & { isTTY?: boolean } = process.stdout,
): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    output.isTTY === true ? prettyStream(output) : output,
  );
