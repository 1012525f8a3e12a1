import { type FileHandle, open } from 'node:fs/promises';

// Envoy's access log as values, read as it grows.

/** One request, as the client's proxy saw it end. */
export interface AccessLogEntry {
  /** 0 when the client went away before an answer. */
  status: number;
  /** Why Envoy answered itself (`UH`, `UF`, `NC`, `NR`, …, joined by commas); `-` when it did not. */
  flags: string;
  /** From the first byte of the request to the last of the answer, milliseconds. */
  durationMs: number;
  /** `ip:port` of the endpoint tried last; undefined when none was chosen. */
  upstream: string | undefined;
  /** Envoy's cluster name; undefined when there is no such cluster. */
  cluster: string | undefined;
  /** The full host that was asked for; undefined when no Service has that name. */
  host: string | undefined;
}

/** Undefined for a line that is not an entry. */
export const parseEntry = (line: string): AccessLogEntry | undefined => {
  try {
    const fields = JSON.parse(line) as Record<string, unknown>;
    return {
      status: Number(fields['status'] ?? 0),
      flags: textOf(fields['flags']) ?? '-',
      durationMs: Number(fields['durationMs'] ?? 0),
      upstream: textOf(fields['upstream']),
      cluster: textOf(fields['cluster']),
      host: textOf(fields['host']),
    };
  } catch {
    return undefined;
  }
};

// Envoy writes null or `-` for what a request does not have.
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value !== '-' ? value : undefined;

export interface AccessLogTail {
  /** Reads what is there, and ends. */
  stop(): Promise<void>;
}

const POLL_MS = 50;
const CHUNK_BYTES = 256 * 1024;

/** Follows a file that only grows. An entry arrives within 50 ms of its line. */
export const tailAccessLog = async (
  path: string,
  onEntry: (entry: AccessLogEntry) => void,
): Promise<AccessLogTail> => {
  const file = await open(path, 'r');
  const readMore = lineReader(file, (line) => {
    const entry = parseEntry(line);
    if (entry !== undefined) onEntry(entry);
  });
  let reading = Promise.resolve();
  const timer = setInterval(() => {
    reading = reading.then(readMore).catch((error: unknown) => console.error('lab: access log:', error));
  }, POLL_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await reading.then(readMore).finally(() => file.close());
    },
  };
};

const lineReader = (file: FileHandle, onLine: (line: string) => void): (() => Promise<void>) => {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let offset = 0;
  let rest = '';
  return async () => {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
      if (bytesRead === 0) return;
      offset += bytesRead;
      // Entries are ASCII: no character is ever cut in two.
      const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(onLine);
    }
  };
};
