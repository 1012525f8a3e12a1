import { Writable } from 'node:stream';
import { createLog } from '../../src/telemetry/log.ts';

/** A log that keeps what is logged, for tests. */
export const quietLog = () => {
  const entries: Record<string, unknown>[] = [];
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      entries.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { log: createLog('debug', output), entries };
};
