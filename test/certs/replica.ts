import type { CertificateSource, ServingCertificate } from '../../src/certs/certificate-source.ts';
import { createKeyringSecret } from '../../src/certs/keyring-secret.ts';
import { createKeyringSource } from '../../src/certs/keyring-source.ts';
import { createRotator } from '../../src/certs/rotator.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import { quietLog } from '../telemetry/quiet-log.ts';
import type { fakeCluster } from './fake-cluster.ts';

export type Cluster = ReturnType<typeof fakeCluster>;

export const SECRET = { kind: 'Secret', namespace: 'kanari-system', name: 'kanari-webhook-tls' } as const;
export const CONFIGURATION = { kind: 'MutatingWebhookConfiguration', name: 'zz-kanari' } as const;
/** As seldom as a replica ever looks, so that hours cost little. */
export const LOOK_MS = 50_000;
export const SERVICE_NAME = 'kanari.kanari-system.svc';

interface ClientConfig {
  caBundle?: string;
  url?: string;
  service?: object;
}

export interface Configuration extends KubeObject {
  webhooks: { name: string; failurePolicy: string; clientConfig: ClientConfig }[];
}

/** As the manifests have it. */
export const configuration = (clientConfig: ClientConfig = {}): Configuration => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'zz-kanari' },
  webhooks: ['deployments.kanari.dev', 'routes.kanari.dev'].map((name) => ({
    name,
    failurePolicy: 'Fail',
    clientConfig: {
      service: { name: 'kanari', namespace: 'kanari-system', path: '/mutate' },
      ...clientConfig,
    },
  })),
});

export const clientConfigs = (cluster: Cluster): ClientConfig[] =>
  (cluster.get(CONFIGURATION) as Configuration).webhooks.map(({ clientConfig }) => clientConfig);

/** What the webhooks trust, each. */
export const bundles = (cluster: Cluster): string[] =>
  clientConfigs(cluster).map(({ caBundle }) => Buffer.from(caBundle ?? '', 'base64').toString());

/** The Secret with other data, or none. */
export const replaceSecret = (cluster: Cluster, data: Record<string, string> | undefined): void => {
  const { name, namespace } = SECRET;
  cluster.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, ...(data && { data }) });
};

/** Somebody adds an authority to what is there. */
export const trustAlso = (cluster: Cluster, cert: string): void => {
  const caBundle = Buffer.from(`${bundles(cluster)[0] ?? ''}${cert}`).toString('base64');
  cluster.put(configuration({ caBundle }));
};

export interface ReplicaOptions {
  cluster: Cluster;
  /** Milliseconds since the epoch; shared by replicas, advanced by the test. */
  clock: { now: number };
  /** How far its own clock is ahead. */
  skewMs?: number;
  webhookUrl?: string;
  /** Default: the Secret. */
  source?: CertificateSource;
}

/** One replica's rotator, whose passes the test sets off. */
export const startReplica = ({ cluster, clock, skewMs = 0, webhookUrl, source }: ReplicaOptions) => {
  const served: ServingCertificate[] = [];
  const { log, entries } = quietLog();
  const pauses: number[] = [];
  const stop = new AbortController();
  let wake: (() => void) | undefined;
  let arrive = (): void => {};
  const rotator = createRotator({
    reader: cluster.reader,
    writer: cluster.writer,
    log,
    now: () => clock.now + skewMs,
    sleep: (milliseconds) => {
      pauses.push(milliseconds);
      arrive();
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
    namespace: 'kanari-system',
    webhookUrl,
    source:
      source ??
      createKeyringSource(createKeyringSecret(cluster.reader, cluster.writer, 'kanari-system'), log),
    serve: (certificate) => void served.push(certificate),
  });
  /** Resolves when one look at everything is done. */
  const pass = (): Promise<void> =>
    new Promise((resolve) => {
      arrive = resolve;
      if (wake === undefined) void rotator.run(stop.signal);
      else wake();
    });
  /** Passes as the replica itself would make them, or more seldom, until so many milliseconds are over. */
  const live = async (milliseconds: number, leastPauseMs = 0): Promise<void> => {
    const end = clock.now + milliseconds;
    for (;;) {
      await pass();
      const pause = Math.max(leastPauseMs, pauses.at(-1) ?? 0);
      if (clock.now + pause > end) break;
      clock.now += pause;
    }
    clock.now = end;
  };
  return { rotator, served, entries, pauses, pass, live, stop: () => stop.abort() };
};
