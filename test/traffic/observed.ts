import type { KubeObject } from '../../src/core/objects.ts';
import { foreign, isOwn } from '../../src/core/route-change.ts';
import type { FakeIstioApi } from './fake-istio-api.ts';
import type { RouterWorld } from './router-contract.ts';

/**
 * What a router has left in the fake API server, among all objects that it may touch.
 * @param bare takes away what is not the user's to write
 */
export const observed = (
  api: FakeIstioApi,
  objects: () => KubeObject[],
  bare: (object: KubeObject) => unknown,
): Pick<RouterWorld, 'writes' | 'users' | 'own'> => ({
  writes: () => api.writes.length,
  users: () => foreign(objects()).map(bare),
  own: () => objects().filter(isOwn),
});
