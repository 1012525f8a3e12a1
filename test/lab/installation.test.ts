import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKanari } from '../../lab/kanari.ts';
import { FIRST_START_MS, type Lab, startLab } from '../../lab/lab.ts';
import type { Deployment, KubeObject, Pod } from '../../src/core/objects.ts';
import { MANIFESTS } from '../manifests/manifest-files.ts';
import { eventually, web } from './shop.ts';

// `kubectl apply -k manifests` on a real API server: what it stores, and that a dead webhook is in nobody's way but
// that of the releases it is for.

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ kubelet: { startupMs: 200, graceCapMs: 300 } });
}, FIRST_START_MS);
afterAll(() => lab?.stop());

const OWN = 'kanari-system';
const kubectl = async (...args: string[]) => (await lab.kubectl(args)).stdout;
type Webhooks = KubeObject & { webhooks: { clientConfig: { caBundle?: string } }[] };
type PriorityPod = Pod & { spec: { priority?: number } };
const ownPods = async (): Promise<PriorityPod[]> =>
  (await lab.api.request<{ items: PriorityPod[] }>('GET', `/api/v1/namespaces/${OWN}/pods`)).items;
const rolledOut = () => kubectl('rollout', 'status', '-n', OWN, 'deployment/kanari', '--timeout=180s');
const budgetCounted = () =>
  eventually(async () =>
    expect(JSON.parse(await kubectl('get', 'pdb', '-n', OWN, 'kanari', '-o', 'json'))).toMatchObject({
      spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' },
      status: { currentHealthy: 2, desiredHealthy: 1, disruptionsAllowed: 1 },
    }),
  );

describe('the manifests', () => {
  it('are accepted whole in a dry run, without a warning', async () => {
    const { stderr } = await lab.kubectl(['apply', '-k', MANIFESTS, '--dry-run=server']);
    const warnings = stderr.split('\n').filter((line) => line.startsWith('Warning:'));
    // Of client-side apply about what the lab itself has applied server-side; of nothing else.
    expect(warnings.filter((line) => !line.includes('last-applied-configuration'))).toEqual([]);
  });

  it('are installed by one command, and a second one changes nothing', async () => {
    await kubectl('apply', '-k', MANIFESTS);
    // What controllers report meanwhile would be a difference too.
    await rolledOut();
    await budgetCounted();
    expect(await kubectl('diff', '-k', MANIFESTS)).toBe('');
    const again = (await kubectl('apply', '-k', MANIFESTS)).trim().split('\n');
    // kubectl patches the selector of a budget each time, with what is there.
    const others = again.filter((line) => !line.startsWith('poddisruptionbudget'));
    expect(others.length).toBeGreaterThan(10);
    expect(others.filter((line) => !line.endsWith(' unchanged'))).toEqual([]);
  });

  it('leave the certificate alone that Kanari has written into the webhooks', async () => {
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/zz-kanari';
    const caBundle = Buffer.from(lab.ca).toString('base64');
    const patch = [0, 1].map((index) => ({
      op: 'add',
      path: `/webhooks/${index}/clientConfig/caBundle`,
      value: caBundle,
    }));
    await lab.api.request('PATCH', path, patch, 'application/json-patch+json');
    await kubectl('apply', '-k', MANIFESTS);
    await kubectl('apply', '-k', MANIFESTS, '--server-side', '--force-conflicts');
    const stored = await lab.api.request<Webhooks>('GET', path);
    expect(stored.webhooks.map(({ clientConfig }) => clientConfig.caBundle)).toEqual([caBundle, caBundle]);
  });

  it('give pods that the restricted pod security lets in, with their priority', async () => {
    await rolledOut();
    const pods = await ownPods();
    expect(pods.map(({ spec }) => spec.priority)).toEqual([1_000_000, 1_000_000]);
    await budgetCounted();
  });

  it('keep pods that are not restricted out of the namespace', async () => {
    const refused = await lab.kubectl(['run', '-n', OWN, 'shell', '--image=shell:v1'], {
      allowFailure: true,
    });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('violates PodSecurity "restricted:v1.30"');
  });
});

describe('the label of a Namespace', () => {
  const label = (value: string, ...flags: string[]) =>
    lab.kubectl(['label', 'namespace', 'guarded', `kanari.dev/rollouts=${value}`, '--overwrite', ...flags], {
      allowFailure: true,
    });

  it('is refused where it says neither yes nor no, with what is expected', async () => {
    await kubectl('create', 'namespace', 'guarded');
    // The API server takes a moment to act by a policy.
    await eventually(async () => expect((await label('true', '--dry-run=server')).code).toBe(1));
    const { stderr } = await label('true');
    expect(stderr).toContain(
      'kanari: label kanari.dev/rollouts of the Namespace: expected enabled or disabled',
    );
    expect(stderr).toContain('got "true" (example: "enabled")');
    const metadata = { name: 'born-wrong', labels: { 'kanari.dev/rollouts': 'Enabled' } };
    const born = { apiVersion: 'v1', kind: 'Namespace', metadata };
    await expect(lab.api.request('POST', '/api/v1/namespaces', born)).rejects.toThrow('got "Enabled"');
  });

  it('may say either, go, and be left as it was before Kanari was installed', async () => {
    for (const value of ['enabled', 'disabled']) expect((await label(value)).code).toBe(0);
    const removed = await lab.kubectl(['label', 'namespace', 'guarded', 'kanari.dev/rollouts-']);
    expect(removed.code).toBe(0);
    const policy =
      '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/kanari-namespace-guard';
    await lab.api.request('DELETE', policy);
    await eventually(async () => expect((await label('yes')).code).toBe(0));
    await kubectl('apply', '-k', MANIFESTS);
    await eventually(async () => expect((await label('no', '--dry-run=server')).code).toBe(1));
    await kubectl('label', 'namespace', 'guarded', 'team=shop');
  });
});

/** Whoever a SubjectAccessReview is about. */
interface Subject {
  user: string;
  groups?: string[];
}
const KANARI: Subject = {
  user: 'system:serviceaccount:kanari-system:kanari',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kanari-system', 'system:authenticated'],
};

/** `group/resource[/subresource][=name]`, the core group empty; asked in the namespace, '' for the whole cluster. */
const mayI = async (subject: Subject, verb: string, what: string, namespace: string): Promise<boolean> => {
  const [path = '', name = ''] = what.split('=');
  const [group = '', resource = '', subresource = ''] = path.split('/');
  const resourceAttributes = { verb, group, resource, subresource, name, namespace };
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' };
  const answer = await lab.api.request<{ status: { allowed: boolean } }>(
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    { ...review, spec: { ...subject, resourceAttributes } },
  );
  return answer.status.allowed;
};

const EVERY_VERB = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
] as const;
/** The verbs allowed, in that order. */
const verbsOn = async (subject: Subject, what: string, namespace: string): Promise<string[]> => {
  const answers = await Promise.all(EVERY_VERB.map((verb) => mayI(subject, verb, what, namespace)));
  return EVERY_VERB.filter((_, index) => answers[index]);
};

describe("Kanari's rights, as the API server sees them", () => {
  it.each([
    // What it is for.
    ['shop', 'apps/deployments', 'get list watch create patch delete'],
    ['shop', 'apps/deployments/status', 'patch'],
    ['shop', 'apps/deployments/finalizers', 'update'],
    ['shop', 'apps/replicasets', 'get list watch patch delete'],
    ['shop', 'apps/controllerrevisions', 'get list watch create delete'],
    ['shop', '/pods', 'list watch patch'],
    ['shop', '/services', 'get list watch create patch delete'],
    ['', '/namespaces', 'list watch'],
    ['shop', 'discovery.k8s.io/endpointslices', 'list watch'],
    ['shop', 'policy/poddisruptionbudgets', 'list watch'],
    ['shop', '/events', 'create patch'],
    ['shop', 'kanari.dev/canaries', 'get list watch create patch delete'],
    ['shop', 'kanari.dev/canaries/status', 'patch'],
    ['shop', 'kanari.dev/canarypolicies', 'list watch'],
    ['shop', 'networking.istio.io/virtualservices', 'get list watch create patch delete'],
    ['shop', 'networking.istio.io/destinationrules', 'get list watch create patch delete'],
    ['shop', 'gateway.networking.k8s.io/httproutes', 'get list watch patch'],
    ['shop', 'gateway.networking.k8s.io/grpcroutes', 'get list watch patch'],
    ['', 'admissionregistration.k8s.io/mutatingwebhookconfigurations=zz-kanari', 'get patch'],
    // Its own namespace: one Secret and one Lease by name, and making them.
    [OWN, '/secrets', 'create'],
    [OWN, '/secrets=kanari-webhook-tls', 'get create patch'],
    [OWN, 'coordination.k8s.io/leases', 'create'],
    [OWN, 'coordination.k8s.io/leases=kanari', 'get create patch'],
    // What would make it a way to take the cluster over.
    [OWN, '/secrets=another', 'create'],
    ['shop', '/secrets', ''],
    ['', '/secrets', ''],
    ['shop', '/configmaps', ''],
    ['shop', '/pods/exec', ''],
    ['shop', '/pods/log', ''],
    ['shop', '/pods/eviction', ''],
    ['shop', 'apps/deployments/scale', ''],
    ['shop', 'apps/statefulsets', ''],
    ['shop', 'apps/daemonsets', ''],
    ['', '/nodes', ''],
    ['shop', '/serviceaccounts/token', ''],
    ['', 'rbac.authorization.k8s.io/clusterroles', ''],
    ['', 'rbac.authorization.k8s.io/clusterrolebindings', ''],
    ['', 'apiextensions.k8s.io/customresourcedefinitions', ''],
    ['', 'admissionregistration.k8s.io/mutatingwebhookconfigurations', ''],
    ['', 'admissionregistration.k8s.io/mutatingwebhookconfigurations=another', ''],
    ['', 'admissionregistration.k8s.io/validatingwebhookconfigurations', ''],
  ])('in "%s", on %s: [%s]', async (namespace, what, verbs) => {
    expect((await verbsOn(KANARI, what, namespace)).join(' ')).toBe(verbs);
  });
});

describe('people with the usual roles', () => {
  const bind = (role: string) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: role, namespace: 'roles' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: `a-${role}` }],
  });

  it.each([
    ['view', 'get list watch', 'get list watch'],
    ['edit', 'get list watch patch', EVERY_VERB.join(' ')],
    ['admin', 'get list watch patch', EVERY_VERB.join(' ')],
  ])('%s: may %s canaries, nothing of their status, and %s policies', async (role, verbs, policyVerbs) => {
    await lab.kubectl(['create', 'namespace', 'roles'], { allowFailure: true });
    await lab.applyYaml(JSON.stringify(bind(role)));
    const subject = { user: `a-${role}` };
    // The aggregated roles are filled by a controller.
    await eventually(async () =>
      expect((await verbsOn(subject, 'kanari.dev/canaries', 'roles')).join(' ')).toBe(verbs),
    );
    expect(await verbsOn(subject, 'kanari.dev/canaries/status', 'roles')).toEqual([]);
    expect((await verbsOn(subject, 'kanari.dev/canarypolicies', 'roles')).join(' ')).toBe(policyVerbs);
    expect(await verbsOn(subject, 'kanari.dev/canaries', 'elsewhere')).toEqual([]);
  });
});

describe('with the webhook registered, failurePolicy Fail, and nobody to answer it', () => {
  const inShop = (manifest: KubeObject) =>
    lab.kubectl(['apply', '-n', 'shop', '-f', '-'], { stdin: JSON.stringify(manifest), allowFailure: true });
  /** Resolves once the API server knows of the namespace's label, and of all that were set before it. */
  const isAskedAbout = (namespace: string): Promise<void> =>
    eventually(async () => {
      const probe = ['-n', namespace, 'create', 'deployment', 'probe', '--image=web:v1', '--dry-run=server'];
      const { code, stderr } = await lab.kubectl(probe, { allowFailure: true });
      expect(stderr).toContain('failed calling webhook "deployments.kanari.dev"');
      expect(code).toBe(1);
    });
  const ownDeployment = () =>
    lab.api.request<Deployment>('GET', `/apis/apps/v1/namespaces/${OWN}/deployments/kanari`);

  beforeAll(async () => {
    await kubectl('create', 'namespace', 'shop');
    await inShop(web('v1'));
    await kubectl('label', 'namespace', 'shop', 'kanari.dev/rollouts=enabled');
    await isAskedAbout('shop');
  });

  it('refuses a release of what is opted in', async () => {
    const { code, stderr } = await inShop(web('v2'));
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('failed calling webhook "deployments.kanari.dev"'),
    ]);
  });

  it('scales, heals and annotates what is opted in', async () => {
    await kubectl('scale', '-n', 'shop', 'deployment/web', '--replicas=3');
    await kubectl('annotate', '-n', 'shop', 'deployment/web', 'example.com/note=1');
    await kubectl('delete', 'pod', '-n', 'shop', '-l', 'app=web', '--wait=false');
    await kubectl('rollout', 'status', '-n', 'shop', 'deployment/web', '--timeout=180s');
  });

  it.each([OWN, 'kube-system'])('never asks about %s, even if somebody labels it', async (namespace) => {
    await kubectl('label', 'namespace', namespace, 'kanari.dev/rollouts=enabled');
    await kubectl('create', 'namespace', `after-${namespace}`);
    await kubectl('label', 'namespace', `after-${namespace}`, 'kanari.dev/rollouts=enabled');
    await isAskedAbout(`after-${namespace}`);
    const probe = JSON.stringify(restricted(web('v1')));
    await lab.kubectl(['apply', '-n', namespace, '-f', '-'], { stdin: probe });
    await kubectl('set', 'image', '-n', namespace, 'deployment/web', 'web=web:v2');
    await kubectl('rollout', 'status', '-n', namespace, 'deployment/web', '--timeout=180s');
    await kubectl('delete', '-n', namespace, 'deployment/web');
  });

  it("makes, changes, scales and restarts Kanari's own Deployment", async () => {
    await kubectl('delete', '-n', OWN, 'deployment/kanari');
    await kubectl('apply', '-k', MANIFESTS);
    await rolledOut();
    await kubectl('scale', '-n', OWN, 'deployment/kanari', '--replicas=3');
    await kubectl('set', 'env', '-n', OWN, 'deployment/kanari', 'KANARI_LOG_LEVEL=debug');
    await rolledOut();
    expect((await ownDeployment()).status).toMatchObject({ updatedReplicas: 3, availableReplicas: 3 });
    await kubectl('rollout', 'restart', '-n', OWN, 'deployment/kanari');
    await rolledOut();
  });

  it('lets Kanari start and get ready, and then holds the release that was refused', async () => {
    const kanari = await startKanari(lab);
    expect((await fetch(`${kanari.operationsUrl}/readyz`)).status).toBe(200);
    // The API server learns of the certificate a moment later.
    await eventually(async () => {
      const { code, stderr } = await inShop(web('v2'));
      expect(stderr).toContain('canary of web started');
      expect(code).toBe(0);
    });
  });
});

/** The same Deployment, as the restricted pod security wants it. */
const restricted = (manifest: Deployment): Deployment => {
  const { template } = manifest.spec;
  const container = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  const spec = {
    ...template.spec,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: (template.spec.containers ?? []).map((one) => ({ ...one, securityContext: container })),
  };
  return { ...manifest, spec: { ...manifest.spec, template: { ...template, spec } } };
};
