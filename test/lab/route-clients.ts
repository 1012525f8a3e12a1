import { join } from 'node:path';
import { createHelm, writeChart } from '../../lab/helm.ts';
import type { Lab } from '../../lab/lab.ts';
import type { KubeObject } from '../../src/core/objects.ts';

// The ways in which users bring their manifests to the cluster.

export interface RouteClient {
  install(objects: readonly KubeObject[]): Promise<unknown>;
  /** The same again, or what has changed. Rejects on a conflict. */
  upgrade(objects: readonly KubeObject[]): Promise<unknown>;
  /** What the client thinks it would change; '' for nothing, and where it can't be asked. */
  drift(objects: readonly KubeObject[]): Promise<string>;
}

const listOf = (items: readonly KubeObject[]): { stdin: string } => ({
  stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
});

const kubectlClient = (
  lab: Lab,
  namespace: string,
  { install, upgrade, flags = [] }: { install: string; upgrade: string; flags?: string[] },
): RouteClient => {
  const run = (verb: string, objects: readonly KubeObject[], allowFailure = false) =>
    lab.kubectl(['-n', namespace, verb, '-f', '-', ...flags], { ...listOf(objects), allowFailure });
  return {
    install: (objects) => run(install, objects),
    upgrade: (objects) => run(upgrade, objects),
    drift: async (objects) => {
      if (upgrade === 'replace') return '';
      const { stdout, stderr, code } = await run('diff', objects, true);
      return code === 0 ? stdout : `${stdout}${stderr}exit code ${code}`;
    },
  };
};

const helmClient = (lab: Lab, namespace: string, serverSide: boolean): RouteClient => {
  const folder = join(lab.dir, `chart-${namespace}`);
  const run = async (verb: 'install' | 'upgrade', objects: readonly KubeObject[]): Promise<void> => {
    await writeChart(folder, objects);
    const helm = await createHelm(lab);
    await helm([verb, 'web', folder, '-n', namespace, `--server-side=${serverSide}`]);
  };
  return {
    install: (objects) => run('install', objects),
    upgrade: (objects) => run('upgrade', objects),
    drift: () => Promise.resolve(''),
  };
};

export const ROUTE_CLIENTS: Record<string, (lab: Lab, namespace: string) => RouteClient> = {
  'kubectl apply': (lab, namespace) => kubectlClient(lab, namespace, { install: 'apply', upgrade: 'apply' }),
  'kubectl apply --server-side': (lab, namespace) =>
    kubectlClient(lab, namespace, { install: 'apply', upgrade: 'apply', flags: ['--server-side'] }),
  'kubectl replace': (lab, namespace) =>
    kubectlClient(lab, namespace, { install: 'create', upgrade: 'replace' }),
  'helm upgrade': (lab, namespace) => helmClient(lab, namespace, true),
  'helm upgrade --server-side=false': (lab, namespace) => helmClient(lab, namespace, false),
};
