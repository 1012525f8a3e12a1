import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import { type ControllerPorts, reconcile } from '../../src/scheduler/controller.ts';
import { createPassiveRouter } from '../../src/traffic/replica-ratio.ts';
import { deployment, namespace, revision, template } from '../core/deployment-fixtures.ts';
import { canaryOf, createFakeApi, createStores, quietLog } from './fake-cluster.ts';

const NOW = new Date('2026-11-21T02:38:00Z');
const signal = new AbortController().signal;

const OLD_RUN = { 'kanari.dev/run': revision('web:v2'), 'kanari.dev/primary': revision('web:v1') };

const replicaSet: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: {
    name: 'web-1',
    namespace: 'shop',
    uid: 'r1',
    resourceVersion: '3',
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u1', controller: true },
    ],
  },
  spec: { replicas: 4, selector: { matchLabels: { app: 'web' } }, template: template('web:v1') },
} as KubeObject;

/** A held Deployment with a Canary, in the caches. */
const held = () => {
  const stores = createStores();
  const api = createFakeApi();
  const resourceVersion = '5';
  const web = deployment({ template: template('web:v2'), paused: true, annotations: OLD_RUN });
  stores.fill('namespaces', { ...namespace(), metadata: { ...namespace().metadata, resourceVersion } });
  stores.fill('deployments', { ...web, metadata: { ...web.metadata, resourceVersion } });
  stores.fill('replicaSets', replicaSet);
  stores.fill('canaries', canaryOf());
  const remembered: KubeObject[] = [];
  const ports: ControllerPorts = {
    sources: {
      stores,
      routerFor: () => createPassiveRouter('none'),
      customReadingsOf: () => [],
      callAnswersOf: () => [],
      evidenceOf: () => ({ kind: 'unconfigured' }),
      latestCanary: (key) => stores.canaries.get(key),
      operator: { propagationWaitMs: 0, lookIntervalMs: 1_000 },
    },
    effects: {
      reader: api.reader,
      writer: api.writer,
      call: (_, { id }) => void api.writes.push(`call ${id}`),
      sleep: async () => {},
      now: () => NOW,
      ungated: (_, reason) => void api.writes.push(`ungated ${reason}`),
      record: (_, { message }) => void api.writes.push(`event ${message.split('!')[0]}`),
    },
    log: quietLog,
    fence: () => {},
    remember: (canary) => void remembered.push(canary),
    onEnded: () => undefined,
    budgetMs: 1_000,
  };
  return { stores, api, ports, remembered };
};

describe('a reconcile', () => {
  test('writes what it intends before it does it', async () => {
    const { api, ports, remembered } = held();
    await reconcile(ports, 'shop/web', signal);
    expect(api.writes).toEqual([
      'jsonPatch Canary web',
      'event New revision detected',
      `create ControllerRevision web-${revision('web:v1')}`,
    ]);
    expect(api.bodies[0]).toMatchObject([{ op: 'test', path: '/metadata/resourceVersion', value: '7' }, {}]);
    expect(remembered).toHaveLength(1);
  });

  test('does nothing when its intent is refused', async () => {
    const { api, ports } = held();
    api.refuse.set('jsonPatch Canary web', 422);
    await expect(reconcile(ports, 'shop/web', signal)).rejects.toMatchObject({ status: 422 });
    expect(api.writes).toEqual(['jsonPatch Canary web']);
  });

  test('writes nothing once it may not lead', async () => {
    const { api, ports } = held();
    ports.fence = () => {
      throw new Error('not the leader');
    };
    await expect(reconcile(ports, 'shop/web', signal)).rejects.toThrow('not the leader');
    expect(api.writes).toEqual([]);
  });

  test('does not write a status again that the API server stored with its keys in another order', async () => {
    const { api, ports, stores } = held();
    await reconcile(ports, 'shop/web', signal);
    const stored = (api.bodies[0] as { value: unknown }[])[1]?.value;
    const sorted: unknown = JSON.parse(JSON.stringify(stored), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    );
    const canary = canaryOf(sorted as ReturnType<typeof canaryOf>['status'] & object);
    stores.fill('canaries', { ...canary, metadata: { ...canary.metadata, resourceVersion: '8' } });
    api.writes.length = 0;
    await reconcile(ports, 'shop/web', signal);
    expect(api.writes).toEqual([`create ControllerRevision web-${revision('web:v1')}`]);
  });

  test('clears away what a Deployment deleted with orphan propagation has left', async () => {
    const { api, ports, stores } = held();
    await reconcile(ports, 'shop/web', signal);
    const name = `web-${revision('web:v1')}`;
    api.refuse.set(`create ControllerRevision ${name}`, 409);
    api.live.set(`ControllerRevision ${name}`, {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: { name, uid: 'orphan', resourceVersion: '2' },
    });
    await reconcile(ports, 'shop/web', signal);
    expect(api.writes.at(-1)).toBe(`delete ControllerRevision ${name}`);

    const { ownerReferences: _, ...metadata } = canaryOf().metadata;
    const orphan = { ...canaryOf(), metadata: { ...metadata, resourceVersion: '9' } };
    stores.fill('canaries', orphan);
    api.live.set('Canary web', orphan);
    api.refuse.set('create Canary web', 409);
    for (const kept of ['web-1-0123456789', 'web-shop-1-0123456789']) {
      const labels = { 'kanari.dev/revision': '1-0123456789' };
      const revision = { name: kept, uid: kept, labels };
      api.live.set(`ControllerRevision ${kept}`, {
        apiVersion: 'apps/v1',
        kind: 'ControllerRevision',
        metadata: revision,
      });
    }
    await reconcile(ports, 'shop/web', signal);
    // A template kept for another Deployment is none of this one's.
    expect(api.writes.slice(-3)).toEqual([
      'create Canary web',
      'delete ControllerRevision web-1-0123456789',
      'delete Canary web',
    ]);
    expect(api.bodies.at(-1)).toBe('k1');
  });
});
