import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';

import { type ControlPlane, startControlPlane } from '../../lab/control-plane.ts';
import { ensureIstioCrds } from '../../lab/crds.ts';
import type { DestinationRule } from '../../src/core/istio/destination-rule.ts';
import type { VirtualService } from '../../src/core/istio/virtual-service.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import { loadCredentials } from '../../src/kube/kube-config.ts';
import { createReader } from '../../src/kube/reader.ts';
import type { ResourceKind } from '../../src/kube/resources.ts';
import { createRest, type Rest } from '../../src/kube/rest.ts';
import { createStore } from '../../src/kube/store.ts';
import { createWriter } from '../../src/kube/writer.ts';
import { createIstioRouter } from '../../src/traffic/istio.ts';
import type { TrafficRouter, TrafficTarget } from '../../src/traffic/router.ts';
import { service } from '../traffic/router-contract.ts';
import { ISTIO_USERS } from './istio-users.ts';
import { type RouteWebhook, startRouteWebhook } from './route-webhook.ts';

const KANARI = 'system:serviceaccount:kanari-system:kanari';
const GROUP = '/apis/networking.istio.io/v1';
/** Of this test's own calls; each of them has a deadline of its own. */
const { signal } = new AbortController();
/** Until the API server acts by what was written a moment ago. */
const SOON = { timeout: 120_000, interval: 100 };
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const target: TrafficTarget = {
  key: 'shop/web',
  owner: undefined,
  services: [service('web', [{ name: 'http', port: 80 }])],
};
const route = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    hosts: ['web'],
    http: [
      {
        match: [{ uri: { prefix: '/a' } }],
        retries: { attempts: 2 },
        route: [
          { destination: { host: 'web.shop', port: { number: 80 } }, weight: 33 },
          { destination: { host: 'db' }, weight: 67 },
        ],
      },
      { route: [{ destination: { host: 'web' } }], mirror: { host: 'web' } },
    ],
    tcp: [{ match: [{ port: 9000 }], route: [{ destination: { host: 'web' }, weight: 100 }] }],
  },
};
const rule = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { host: 'web', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } },
};
type Stored = KubeObject & { spec: object };

let dir: string;
let plane: ControlPlane;
let rest: Rest;
let router: TrafficRouter;
let refresh: () => Promise<void>;

const pathOf = ({ kind, metadata }: KubeObject): string =>
  `${GROUP}/namespaces/shop/${kind === 'VirtualService' ? 'virtualservices' : 'destinationrules'}/${metadata.name}`.replace(
    /\/$/,
    '',
  );
const stored = (object: KubeObject): Promise<Stored> => plane.api.request('GET', pathOf(object));
/** `kubectl apply --server-side`, without force: a conflict rejects. */
const apply = (object: KubeObject): Promise<Stored> =>
  plane.api.request(
    'PATCH',
    `${pathOf(object)}?fieldManager=kubectl`,
    object,
    'application/apply-patch+yaml',
  );
const managersOf = (object: Stored): string[] =>
  (object.metadata.managedFields ?? []).map((entry) => (entry as { manager: string }).manager);
/** What the user sees of the object, byte for byte. */
const bytesOf = ({ spec, metadata: { labels, annotations } }: Stored): string =>
  JSON.stringify({ spec, labels, annotations });

const listAll = async (): Promise<KubeObject[]> => {
  const lists = await Promise.all(
    (['VirtualService', 'DestinationRule'] as const).map(async (kind) => {
      const path = pathOf({ apiVersion: '', kind, metadata: { name: '' } });
      const { items } = await plane.api.request<{ items: KubeObject[] }>('GET', path);
      return items.map((item) => ({ ...item, kind }));
    }),
  );
  return lists.flat();
};
const namesOfAll = async (): Promise<string[]> =>
  (await listAll()).map(({ metadata }) => metadata.name).sort();
const removeAll = async (): Promise<void> => {
  for (const object of await listAll()) await plane.api.request('DELETE', pathOf(object));
};

const installCrds = async (): Promise<void> => {
  const crds = parseAllDocuments(await readFile(await ensureIstioCrds(), 'utf8')).map(
    (document) => document.toJS() as KubeObject | null,
  );
  const wanted = crds.filter(
    (crd) => crd !== null && /^(virtualservices|destinationrules)\./.test(crd.metadata.name),
  );
  for (const crd of wanted)
    await plane.api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
  for (const plural of ['virtualservices', 'destinationrules'])
    await vi.waitFor(() => plane.api.request('GET', `${GROUP}/${plural}`), SOON);
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'istio-routes-'));
  plane = await startControlPlane(dir);
  await installCrds();
  await plane.api.request('POST', '/api/v1/namespaces', { metadata: { name: 'shop' } });
  await plane.api.request('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'kanari-test' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: KANARI }],
  });
  const credentials = await loadCredentials({ kubeconfigPath: plane.kanariKubeconfig });
  rest = createRest({ credentials, userAgent: 'kanari-test' });
  const reader = createReader(rest);
  const stores = {
    virtualServices: createStore<VirtualService>({ log }),
    destinationRules: createStore<DestinationRule>({ log }),
  };
  const list = <T extends KubeObject>(kind: ResourceKind): Promise<T[]> =>
    reader.list<T>(kind, { signal, namespace: 'shop' });
  refresh = async () => {
    stores.virtualServices.replace(await list('VirtualService'));
    stores.destinationRules.replace(await list('DestinationRule'));
  };
  // The rights count once its authorizer has heard of them.
  await vi.waitFor(refresh, SOON);
  router = createIstioRouter({ stores, reader, writer: createWriter(rest), log });
});

afterAll(async () => {
  rest?.close();
  await plane?.stop();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

/** The same run in both ways of writing: by the webhook, and directly where there is none. */
const describeRun = (): void => {
  it('splits in place, keeps the user the owner, and gives everything back to the byte', async () => {
    await removeAll();
    const before = await Promise.all([apply(route), apply(rule)]);
    await refresh();
    await router.ensureDestinations(target, signal);
    for (const weight of [0, 20, 50]) {
      await refresh();
      await router.setShare(target, { weight }, signal);
    }
    await refresh();
    expect(router.read(target)).toMatchObject({ destinations: true, split: true, share: { weight: 50 } });

    const split = await stored(route);
    // No conflict: the user still owns the spec.
    await apply(route);
    await apply(rule);
    await refresh();
    if (!router.read(target).split) await router.setShare(target, { weight: 50 }, signal);
    if (!router.read(target).destinations) await router.ensureDestinations(target, signal);
    expect((await stored(route)).spec).toEqual(split.spec);

    await refresh();
    await router.setShare(target, { weight: 0 }, signal);
    await refresh();
    await router.restore(target, signal);
    await router.removeDestinations(target, signal);
    await refresh();
    expect(router.read(target)).toMatchObject({ routesRestored: true, destinationsRemoved: true });
    const after = await Promise.all([stored(route), stored(rule)]);
    expect(after.map(bytesOf)).toEqual(before.map(bytesOf));
    expect(after.map(managersOf)).toEqual([['kubectl'], ['kubectl']]);
  });

  it('makes its own objects where the user has none, and removes them', async () => {
    await removeAll();
    await refresh();
    await router.ensureDestinations(target, signal);
    await router.setShare(target, { weight: 20 }, signal);
    await refresh();
    expect(router.read(target)).toMatchObject({ destinations: true, split: true, share: { weight: 20 } });
    const { resourceVersion } = (
      await stored({ ...route, metadata: { ...route.metadata, name: 'web-kanari' } })
    ).metadata;
    await router.setShare(target, { weight: 20 }, signal);
    expect(
      (await stored({ ...route, metadata: { ...route.metadata, name: 'web-kanari' } })).metadata
        .resourceVersion,
    ).toBe(resourceVersion);
    await router.restore(target, signal);
    await router.removeDestinations(target, signal);
    await refresh();
    expect(router.read(target)).toMatchObject({ routesRestored: true, destinationsRemoved: true });
  });
};

/** The same again, whatever its users have. */
const describeUsers = (): void => {
  it.each(Object.entries(ISTIO_USERS))('gives back to the byte: %s', async (_name, manifests) => {
    await removeAll();
    const before = await Promise.all(manifests.map(apply));
    const known: TrafficTarget = { ...target, podLabels: { version: 'v1' } };
    await refresh();
    await router.ensureDestinations(known, signal);
    for (const weight of [0, 33, 100, 0]) {
      await refresh();
      await router.setShare(known, { weight }, signal);
      await refresh();
      expect(router.read(known)).toMatchObject({ destinations: true, split: true, share: { weight } });
    }
    // No conflict: the users still own every field.
    for (const manifest of manifests) await apply(manifest);
    await refresh();
    await router.restore(known, signal);
    await router.removeDestinations(known, signal);
    await refresh();
    expect(router.read(known)).toMatchObject({ routesRestored: true, destinationsRemoved: true });
    const after = await Promise.all(manifests.map(stored));
    expect(after.map(bytesOf)).toEqual(before.map(bytesOf));
    expect(after.map(managersOf)).toEqual(before.map(() => ['kubectl']));
    expect(await namesOfAll()).toEqual(manifests.map(({ metadata }) => metadata.name).sort());
  });
};

describe('routes on a real API server, written directly', () => {
  describeRun();
  describeUsers();
});

describe('routes on a real API server, written by admission', () => {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  let webhook: RouteWebhook;

  beforeAll(async () => {
    webhook = await startRouteWebhook(KANARI);
    await plane.api.request('POST', path, webhook.configuration);
    const copy = {
      ...route,
      metadata: { ...route.metadata, name: 'probe', annotations: { 'kanari.dev/split': '{}' } },
    };
    // The API server learns of a webhook some time later: it acts once it strips a copied annotation.
    await vi.waitFor(async () => {
      const path = `${GROUP}/namespaces/shop/virtualservices?dryRun=All`;
      const { metadata } = await plane.api.request('POST', path, copy);
      expect(metadata.annotations).toBeUndefined();
    }, SOON);
  });
  afterAll(async () => {
    await plane.api.request('DELETE', `${path}/kanari-routes`);
    webhook.stop();
  });

  describeRun();
  describeUsers();

  it('keeps the split when the user replaces the object without our annotations', async () => {
    await removeAll();
    await apply(route);
    await refresh();
    await router.setShare(target, { weight: 20 }, signal);
    const split = await stored(route);
    const { resourceVersion } = split.metadata;
    await plane.api.request('PUT', pathOf(route), {
      ...route,
      metadata: { ...route.metadata, resourceVersion },
    });
    const replaced = await stored(route);
    expect(replaced.spec).toEqual(split.spec);
    expect(replaced.metadata.annotations).toEqual(split.metadata.annotations);
    await plane.api.request('DELETE', pathOf(route));
  });
});
