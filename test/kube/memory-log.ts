import type { Log } from '../../src/kube/log.ts';

/** Keeps what is logged for tests to look at. */
export const createMemoryLog = (): Log & { lines: { level: string; fields: object; message: string }[] } => {
  const lines: { level: string; fields: object; message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};
