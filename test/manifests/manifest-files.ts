import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

// What `kubectl apply -k manifests` installs, read from the files.

export const MANIFESTS = fileURLToPath(new URL('../../manifests', import.meta.url));

/** Every YAML file, relative to the folder. */
export const manifestFiles = readdirSync(MANIFESTS, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
  .map((entry) => relative(MANIFESTS, join(entry.parentPath, entry.name)));

/** The documents of one file. Throws what the parser complains of. */
export const documentsIn = <T>(file: string): T[] =>
  parseAllDocuments(readFileSync(join(MANIFESTS, file), 'utf8')).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS() as T;
  });
