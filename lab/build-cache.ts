import { randomBytes } from 'node:crypto';
import { access, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

// What the lab builds or fetches once lies outside the tree, under a key of everything it was made from.

export interface BuildCache {
  /** The path of a finished entry. */
  find(name: string): Promise<string | undefined>;
  /** Calls `make` with a scratch folder; the file whose path it returns becomes the entry, at once or not at all. */
  add(name: string, make: (scratch: string) => Promise<string>): Promise<string>;
}

export const openBuildCache = (key: string): BuildCache => {
  const dir = join(cacheRoot(), key);
  return {
    find: async (name) => ((await exists(join(dir, name))) ? join(dir, name) : undefined),
    add: (name, make) => addEntry(dir, name, make),
  };
};

/** Whether something can be found at the path. */
export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const cacheRoot = (): string => {
  const { KANARI_LAB_CACHE, XDG_CACHE_HOME } = process.env;
  return KANARI_LAB_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'kanari', 'lab');
};

const addEntry = async (
  dir: string,
  name: string,
  make: (scratch: string) => Promise<string>,
): Promise<string> => {
  // Inside the cache: a rename is only atomic on the same file system.
  const scratch = join(dir, `.making-${name}-${randomBytes(4).toString('hex')}`);
  await mkdir(scratch, { recursive: true });
  try {
    await rename(await make(scratch), join(dir, name));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return join(dir, name);
};

const LOCK_POLL_MS = 1000;

/** Runs the task while no other process does: two compilers on one machine finish later than one after the other. */
export const buildExclusively = async <T>(task: () => Promise<T>): Promise<T> => {
  const path = join(cacheRoot(), '.lock');
  await mkdir(cacheRoot(), { recursive: true });
  while (!(await takeLock(path))) await sleep(LOCK_POLL_MS);
  try {
    return await task();
  } finally {
    await rm(path, { force: true });
  }
};

const takeLock = async (path: string): Promise<boolean> => {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  // Two waiters that drop the lock of a dead holder at the same moment both build: wasteful, but harmless,
  // because entries appear by rename.
  if (!(await isHeld(path))) await rm(path, { force: true });
  return false;
};

const isHeld = async (path: string): Promise<boolean> => {
  const pid = Number(await readFile(path, 'utf8').catch(() => ''));
  // Empty: its holder is between creating and writing it.
  if (!Number.isInteger(pid) || pid === 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
