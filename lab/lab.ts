import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LabApi } from './api.ts';
import { ensureBinaries } from './binaries.ts';
import { exists } from './build-cache.ts';
import { type CommandResult, runCommand } from './command.ts';
import { startControlPlane } from './control-plane.ts';
import { ensureIstioCrds } from './crds.ts';
import { withDeadline } from './deadline.ts';
import { type KubeletOptions, startKubelet } from './kubelet.ts';
import type { ServedRequest } from './pod-server.ts';
import { waitForCondition } from './wait-for.ts';

export interface LabOptions {
  kubelet?: KubeletOptions;
  /** Keeps the folder with logs and state after the stop. Default false. */
  keepDir?: boolean;
}

export interface KubectlOptions {
  stdin?: string;
  /** Resolve, rather than reject, when kubectl exits with another code than 0. */
  allowFailure?: boolean;
  /** Added to this process' own environment. */
  env?: Record<string, string>;
  /** Ends kubectl before its time is up. */
  signal?: AbortSignal;
}

export interface Lab {
  /** State, logs and kubeconfigs of this run. */
  dir: string;
  url: string;
  ca: string;
  /** As the administrator. */
  api: LabApi;
  /** Paths: the administrator's, and one with only Kanari's own rights. */
  kubeconfig: string;
  kanariKubeconfig: string;
  /** Runs kubectl as the administrator; at most four minutes. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<CommandResult>;
  /** `kubectl apply` of one or more documents. Throws what kubectl says. */
  applyYaml(text: string): Promise<void>;
  restartApiServer(): Promise<void>;
  /** To be told of every HTTP request that a pod has answered, from now on. */
  onServed(listener: (request: ServedRequest) => void): void;
  /** Has something of the caller's (a data plane, a webhook) stopped before the control plane, last added first. */
  onStop(stop: () => Promise<void>): void;
  /** Calls after the first do nothing more. */
  stop(): Promise<void>;
}

/** For the hook of a test: the first start on a machine builds for many minutes. */
export const FIRST_START_MS = 45 * 60_000;

const KUBECTL_DEADLINE_MS = 240_000;
const MANIFESTS = join(import.meta.dirname, '..', 'manifests', 'base');

/** A control plane with a kubelet, Istio's routing CRDs, and Kanari's own CRDs and RBAC. */
export const startLab = async (options: LabOptions = {}): Promise<Lab> => {
  const { kubectl: program } = await ensureBinaries(['kubectl']);
  const istioCrds = await ensureIstioCrds();
  const dir = await mkdtemp(join(tmpdir(), 'kanari-lab-'));
  const stops: (() => Promise<void>)[] = [];
  if (options.keepDir !== true) stops.push(() => rm(dir, { recursive: true, force: true }));
  const onStop = (stop: () => Promise<void>): void => void stops.push(stop);
  const stop = async (): Promise<void> => {
    for (let next = stops.pop(); next !== undefined; next = stops.pop()) await next();
  };
  try {
    const plane = await startControlPlane(dir);
    onStop(plane.stop);
    const kubelet = await startKubelet(plane.api, options.kubelet);
    onStop(kubelet.stop);
    const kubectl = createKubectl(program, plane.kubeconfig, dir);
    const applyYaml = async (text: string): Promise<void> =>
      void (await kubectl(['apply', '-f', '-'], { stdin: text }));
    await install(kubectl, await manifestsOf(istioCrds));
    const { url, ca, api, kubeconfig, kanariKubeconfig, restartApiServer } = plane;
    return {
      dir,
      url,
      ca,
      api,
      kubeconfig,
      kanariKubeconfig,
      kubectl,
      applyYaml,
      restartApiServer,
      onServed: kubelet.onServed,
      onStop,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

const createKubectl =
  (program: string, kubeconfig: string, dir: string): Lab['kubectl'] =>
  async (args, { stdin, allowFailure = false, env: added, signal: end } = {}) => {
    // `kubectl edit` leaves a refused edit in TMPDIR.
    const own = { KUBECONFIG: kubeconfig, KUBECACHEDIR: join(dir, 'kubectl-cache'), TMPDIR: dir };
    const env = { ...process.env, ...added, ...own };
    const input = stdin === undefined ? {} : { stdin };
    const result = await withDeadline(end, KUBECTL_DEADLINE_MS, (signal) =>
      runCommand(program, args, { env, signal, ...input }),
    );
    if (result.code === 0 || allowFailure) return result;
    throw new Error(
      `kubectl ${args.join(' ')} exited with ${result.code}:\n${result.stderr}${result.stdout}`,
    );
  };

// Only what routes need: each CRD costs the API server a moment.
const ISTIO_KINDS =
  /^ {2}name: (virtualservices|destinationrules|gateways|serviceentries)\.networking\.istio\.io$/m;
const KANARI_NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: kanari-system\n';

const manifestsOf = async (istioCrds: string): Promise<{ crds: string[]; others: string[] }> => {
  const istio = (await readFile(istioCrds, 'utf8')).split(/^---$/m).filter((text) => ISTIO_KINDS.test(text));
  const [crds, rbac] = await Promise.all(['crds', 'rbac'].map((name) => yamlFilesIn(join(MANIFESTS, name))));
  return { crds: [...istio, ...(crds ?? [])], others: [KANARI_NAMESPACE, ...(rbac ?? [])] };
};

const yamlFilesIn = async (folder: string): Promise<string[]> => {
  if (!(await exists(folder))) return [];
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
};

const install = async (
  kubectl: Lab['kubectl'],
  { crds, others }: { crds: string[]; others: string[] },
): Promise<void> => {
  // Server-side: a CRD is too large for the annotation of a client-side apply.
  const apply = ['apply', '--server-side', '--validate=false', '-f', '-'];
  await kubectl(apply, { stdin: [...crds, ...others].join('\n---\n') });
  await waitForCondition({ kubectl }, 'Established', ['crd', '--all']);
};
