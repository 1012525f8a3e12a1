import { ensureBinaries, ensureIstioCrds } from './binaries.ts';

/** Finds or makes every program of the lab, with progress on stderr: minutes on a new machine, then milliseconds. */
export const prepareLab = async (): Promise<void> => {
  await ensureBinaries([
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kubectl',
    'prometheus',
    'envoy',
  ]);
  await ensureIstioCrds();
};
