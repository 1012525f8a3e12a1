import { delimiter, join } from 'node:path';
import { type BuildCache, buildExclusively, exists, openBuildCache } from './build-cache.ts';
import { cacheKeyOf, makeProgram, type ProgramName } from './programs.ts';

// Programs the lab runs: taken from the machine where the version does not matter or is the user's wish, else made
// once.

/**
 * Paths of the programs. The first call on a machine takes minutes (progress on stderr), later ones milliseconds.
 * @throws Error that names what to install, or the tail of what the compiler said.
 */
export const ensureBinaries = async <N extends ProgramName>(
  names: readonly N[],
): Promise<Record<N, string>> => {
  const found = new Map<string, string>();
  const note = async (name: N): Promise<void> => {
    const path = (await findOnMachine(name)) ?? (await (await cacheOf(name)).find(name));
    if (path !== undefined) found.set(name, path);
  };
  const missing = () => names.filter((name) => !found.has(name));
  await Promise.all(names.map(note));
  if (missing().length > 0) {
    await buildExclusively(async () => {
      // Another process may have made some of them while this one waited for its turn.
      await Promise.all(missing().map(note));
      for (const [index, name] of missing().entries()) {
        const progress = `${index + 1} of ${missing().length + index}`;
        found.set(name, await reporting(`making ${name} (${progress})`, () => makeBinary(name)));
      }
    });
  }
  return Object.fromEntries(found) as Record<N, string>;
};

const cacheOf = async (name: ProgramName): Promise<BuildCache> => openBuildCache(await cacheKeyOf(name));

const makeBinary = async (name: ProgramName): Promise<string> =>
  (await cacheOf(name)).add(name, (scratch) => makeProgram(name, scratch));

const findOnMachine = async (name: ProgramName): Promise<string | undefined> => {
  const { KUBEBUILDER_ASSETS, PATH } = process.env;
  const folders = KUBEBUILDER_ASSETS === undefined ? [] : [KUBEBUILDER_ASSETS];
  // Any kubectl will do; the others are looked for only where the user has pointed.
  if (name === 'kubectl') folders.push(...(PATH ?? '').split(delimiter));
  for (const folder of folders) {
    if (folder !== '' && (await exists(join(folder, name)))) return join(folder, name);
  }
  return undefined;
};

const REPORT_EVERY_MS = 15_000;

const reporting = async <T>(what: string, task: () => Promise<T>): Promise<T> => {
  const start = Date.now();
  const report = (state: string): void =>
    console.error(`lab: ${what}, ${Math.round((Date.now() - start) / 1000)} s${state}`);
  report('');
  const timer = setInterval(report, REPORT_EVERY_MS, '');
  try {
    const result = await task();
    report(', done');
    return result;
  } finally {
    clearInterval(timer);
  }
};
