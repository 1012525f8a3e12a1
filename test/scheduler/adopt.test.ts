import { expect, test } from 'vitest';
import type { Deployment, KubeObject, ReplicaSet } from '../../src/core/objects.ts';
import { adopt } from '../../src/scheduler/adopt.ts';
import { deployment, plainInjection, template } from '../core/deployment-fixtures.ts';
import { createFakeApi } from './fake-cluster.ts';

const signal = new AbortController().signal;

const set = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web-1', namespace: 'shop', uid: 'r1', generation: 2 },
  spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: template() },
  status: { observedGeneration: 2 },
} as ReplicaSet;

const pod = (name: string, owner: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'shop',
    labels: { app: 'web' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x', uid: owner, controller: true }],
  },
});

const adopting = (gone: string[], of: Deployment = deployment(), api = createFakeApi()) => {
  api.live.set('ReplicaSet web-1', set);
  for (const one of [pod('a', 'r1'), pod('b', 'r1'), pod('foreign', 'r2')])
    api.live.set(`Pod ${one.metadata.name}`, one);
  const patch = api.writer.mergePatch.bind(api.writer);
  api.writer.mergePatch = async (ref, body, options) => {
    const key = `Pod ${ref.name}`;
    const object = api.live.get(key);
    if (ref.kind === 'Pod' && object !== undefined) {
      const { labels } = (body as KubeObject).metadata;
      if (gone.includes(ref.name)) {
        api.live.delete(key);
        api.refuse.set(`mergePatch Pod ${ref.name}`, 404);
      } else {
        const merged = { ...object.metadata.labels, ...labels };
        api.live.set(key, { ...object, metadata: { ...object.metadata, labels: merged } });
      }
    }
    return patch(ref, body, options);
  };
  const ports = { reader: api.reader, writer: api.writer, sleep: async () => {} };
  const done = adopt(ports, { deployment: of, replicaSet: set, injection: plainInjection, signal });
  return done.then(() => api.writes);
};

test('touches the template of the Deployment only as it was read: released by then, its pods would restart', async () => {
  const api = createFakeApi();
  const web = deployment();
  await adopting([], { ...web, metadata: { ...web.metadata, resourceVersion: '5' } }, api);
  expect(api.bodies.at(-1)).toMatchObject({ metadata: { resourceVersion: '5' } });
});

test('labels the ReplicaSet, then its own pods, then the Deployment', async () => {
  await expect(adopting([])).resolves.toEqual([
    'mergePatch ReplicaSet web-1',
    'mergePatch Pod a',
    'mergePatch Pod b',
    'mergePatch Deployment web',
  ]);
});

test('goes on when a pod vanishes while the others are labelled', async () => {
  await expect(adopting(['a'])).resolves.toContain('mergePatch Deployment web');
});
