import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createLabApi, type LabApi } from './api.ts';
import { ensureBinaries } from './binaries.ts';
import { type Credentials, createCredentials, kubeconfigOf } from './credentials.ts';
import { freePorts } from './ports.ts';
import { type LabProcess, startProcess } from './process.ts';

export interface ControlPlane {
  url: string;
  /** PEM. */
  ca: string;
  /** As the administrator. */
  api: LabApi;
  /** Paths of kubeconfig files: the administrator's, and one with only Kanari's rights. */
  kubeconfig: string;
  kanariKubeconfig: string;
  /** Ends the API server and starts it on the same port with the same certificate; resolves when it is ready. */
  restartApiServer: () => Promise<void>;
  stop: () => Promise<void>;
}

const START_DEADLINE_MS = 180_000;

// Without those of nodes, volumes and clouds: node lifecycle would evict the pods of a node that sends no heartbeat.
const CONTROLLERS = [
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'daemonset-controller',
  'job-controller',
  'endpoints-controller',
  'endpointslice-controller',
  'endpointslice-mirroring-controller',
  'garbage-collector-controller',
  'namespace-controller',
  'horizontal-pod-autoscaler-controller',
  'disruption-controller',
  'resourcequota-controller',
  'serviceaccount-controller',
  'root-ca-certificate-publisher-controller',
  'clusterrole-aggregation-controller',
];

/** etcd, API server and controller manager on free loopback ports; state, logs and kubeconfigs lie in `dir`. */
export const startControlPlane = async (dir: string): Promise<ControlPlane> => {
  const binaries = await ensureBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager']);
  const credentials = await createCredentials(dir);
  const [etcdPort = 0, peerPort = 0, apiPort = 0] = await freePorts(3);
  const etcd = startEtcd(dir, binaries.etcd, { client: etcdPort, peer: peerPort });
  const startApi = () => startApiServer(dir, binaries['kube-apiserver'], { etcdPort, apiPort, credentials });
  const started: LabProcess[] = [etcd];
  try {
    let apiServer = startApi();
    started.unshift(apiServer);
    const url = `https://127.0.0.1:${apiPort}`;
    const ca = await awaitCertificate(dir, apiServer);
    const api = createLabApi({ url, ca, token: credentials.admin.token });
    await awaitReady(apiServer, api);
    const [kubeconfig, kanariKubeconfig] = await Promise.all([
      writeConfig(dir, 'admin', kubeconfigOf({ url, ca }, credentials.admin)),
      writeConfig(dir, 'kanari', kubeconfigOf({ url, ca }, credentials.kanari)),
    ]);
    started.unshift(startControllers(dir, binaries['kube-controller-manager'], kubeconfig));
    const restartApiServer = async (): Promise<void> => {
      await apiServer.stop();
      const next = startApi();
      started.splice(started.indexOf(apiServer), 1, next);
      apiServer = next;
      await awaitReady(apiServer, api);
    };
    const stop = async (): Promise<void> => {
      api.close();
      await stopInOrder(started);
    };
    return { url, ca, api, kubeconfig, kanariKubeconfig, restartApiServer, stop };
  } catch (error) {
    await stopInOrder(started);
    throw error;
  }
};

// The API server last but one, etcd last: a server without its store takes its full grace to end.
const stopInOrder = async (processes: LabProcess[]): Promise<void> => {
  for (const process of processes) await process.stop();
};

const startEtcd = (dir: string, program: string, ports: { client: number; peer: number }): LabProcess => {
  const client = `http://127.0.0.1:${ports.client}`;
  const peer = `http://127.0.0.1:${ports.peer}`;
  const args = [
    `--data-dir=${join(dir, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // Nothing here has to survive a power cut.
    '--unsafe-no-fsync',
  ];
  return startProcess({ name: 'etcd', program, args, logFile: join(dir, 'etcd.log') });
};

interface ApiServerOptions {
  etcdPort: number;
  apiPort: number;
  credentials: Credentials;
}

const startApiServer = (
  dir: string,
  program: string,
  { etcdPort, apiPort, credentials }: ApiServerOptions,
): LabProcess => {
  const args = [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    // Should another lab's etcd have got this port first, the two at least share no object.
    `--etcd-prefix=/${basename(dir)}`,
    '--bind-address=127.0.0.1',
    // Explicit, for machines without a default route.
    '--advertise-address=127.0.0.1',
    `--secure-port=${apiPort}`,
    // It signs its own certificate there at the first start and keeps it at the next.
    `--cert-dir=${join(dir, 'apiserver')}`,
    `--token-auth-file=${credentials.tokenFile}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${credentials.serviceAccountKeyFile}`,
    `--service-account-signing-key-file=${credentials.serviceAccountKeyFile}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    // Pods of the lab have no use for tokens, and need not wait for a ServiceAccount to appear.
    '--disable-admission-plugins=ServiceAccount',
    // Endpoints refuse the loopback address it would register for itself.
    '--endpoint-reconciler-type=none',
    '--shutdown-delay-duration=0s',
  ];
  return startProcess({ name: 'kube-apiserver', program, args, logFile: join(dir, 'kube-apiserver.log') });
};

const startControllers = (dir: string, program: string, kubeconfig: string): LabProcess => {
  const args = [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${CONTROLLERS.join(',')}`,
    '--leader-elect=false',
    '--use-service-account-credentials=false',
    '--secure-port=0',
    // Nobody waits 15 s for an autoscaler.
    '--horizontal-pod-autoscaler-sync-period=1s',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
  ];
  const logFile = join(dir, 'kube-controller-manager.log');
  return startProcess({ name: 'kube-controller-manager', program, args, logFile });
};

const awaitCertificate = async (dir: string, apiServer: LabProcess): Promise<string> => {
  // Leaf and its authority, one after the other: fit to be trusted as they are.
  const file = join(dir, 'apiserver', 'apiserver.crt');
  const read = () => readFile(file, 'utf8').catch(() => '');
  await apiServer.waitUntil(
    async () => (await read()).trimEnd().endsWith('-END CERTIFICATE-----'),
    START_DEADLINE_MS,
  );
  return read();
};

const awaitReady = (apiServer: LabProcess, api: LabApi): Promise<void> =>
  apiServer.waitUntil(async () => {
    await api.request('GET', '/readyz');
    return true;
  }, START_DEADLINE_MS);

const writeConfig = async (dir: string, name: string, config: string): Promise<string> => {
  const path = join(dir, `${name}.kubeconfig`);
  await writeFile(path, config, { mode: 0o600 });
  return path;
};
