import { expect, test } from 'vitest';
import type { Json, KubeObject } from '../../src/core/objects.ts';
import { disown } from '../../src/scheduler/disown.ts';
import { createFakeApi } from './fake-cluster.ts';

const REF = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const signal = new AbortController().signal;

const owned = (...managedFields: Json[]): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', resourceVersion: '7', managedFields },
});

const kubectl = { manager: 'kubectl', operation: 'Apply' };
const kanari = { manager: 'kanari', operation: 'Update' };
const kanariOfStatus = { ...kanari, subresource: 'status' };

test('gives up what it owns of the spec, last entry first, if nobody was faster', async () => {
  const api = createFakeApi();
  api.live.set('Deployment web', owned(kanari, kubectl, kanariOfStatus, kanari));
  await disown(api, REF, signal);
  expect(api.bodies).toEqual([
    [
      { op: 'test', path: '/metadata/resourceVersion', value: '7' },
      { op: 'remove', path: '/metadata/managedFields/3' },
      { op: 'remove', path: '/metadata/managedFields/0' },
    ],
  ]);
});

test('writes nothing where it owns nothing, or where the object is gone', async () => {
  const api = createFakeApi();
  await disown(api, REF, signal);
  api.live.set('Deployment web', owned(kubectl, kanariOfStatus));
  await disown(api, REF, signal);
  expect(api.writes).toEqual([]);
});

test('reads again when somebody was faster, a few times', async () => {
  const api = createFakeApi();
  api.live.set('Deployment web', owned(kanari));
  api.refuse.set('jsonPatch Deployment web', 422);
  await disown(api, REF, signal);
  expect(api.writes).toHaveLength(4);
});

test('throws what is no race', async () => {
  const api = createFakeApi();
  api.live.set('Deployment web', owned(kanari));
  api.refuse.set('jsonPatch Deployment web', 403);
  await expect(disown(api, REF, signal)).rejects.toMatchObject({ status: 403 });
});
