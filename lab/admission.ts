import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployment } from '../src/core/objects.ts';
import type { Lab } from './lab.ts';

// The part of the installation that the API server acts by: webhook configuration and policies, as kustomize makes them.

const MANIFESTS = join(import.meta.dirname, '..', 'manifests');
const ADMISSION = /^apiVersion: admissionregistration\.k8s\.io\//m;

/** Installs webhook configuration and policies; resolves once the failsafe, if wanted, is in force. */
export const installAdmission = async (lab: Lab, { failsafe }: { failsafe: boolean }): Promise<void> => {
  const { stdout } = await lab.kubectl(['kustomize', failsafe ? join(MANIFESTS, 'failsafe') : MANIFESTS]);
  const documents = stdout.split(/^---$/m).filter((text) => ADMISSION.test(text));
  const apply = ['apply', '--server-side', '--force-conflicts', '-f', '-'];
  await lab.kubectl(apply, { stdin: documents.join('\n---\n') });
  if (failsafe) await failsafeInForce(lab);
};

const PROBE_NAMESPACE = 'failsafe-probe';
const PROBE: Deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'probe' },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: 'probe' } },
    template: {
      metadata: { labels: { app: 'probe' } },
      spec: { containers: [{ name: 'probe', image: 'p' }] },
    },
  },
};

const DEADLINE_MS = 60_000;
const POLL_MS = 100;

// The API server compiles a policy some time after it was stored, and says nothing of it.
const failsafeInForce = async ({ api }: Lab): Promise<void> => {
  const labels = { 'kanari.dev/rollouts': 'enabled' };
  const metadata = { name: PROBE_NAMESPACE, labels };
  await api.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
  const deployments = `/apis/apps/v1/namespaces/${PROBE_NAMESPACE}/deployments`;
  await api.request('POST', deployments, PROBE);
  const change = { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } };
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const { spec } = await api.request<Deployment>('PATCH', `${deployments}/probe?dryRun=All`, change);
    if (spec.template.metadata?.labels?.['kanari.dev/version'] !== undefined) break;
    if (Date.now() > deadline) throw new Error(`the failsafe was not in force after ${DEADLINE_MS} ms`);
    await sleep(POLL_MS);
  }
  await api.request('DELETE', `/api/v1/namespaces/${PROBE_NAMESPACE}`);
};
