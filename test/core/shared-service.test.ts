import { describe, expect, it } from 'vitest';
import type { EndpointSlice, Pod } from '../../src/core/objects.ts';
import { sharedServiceAmong } from '../../src/core/shared-service.ts';

const pod = (name: string, owner: string | undefined): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'shop',
    ...(owner === undefined
      ? {}
      : {
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true },
          ],
        }),
  },
});
const slice = (service: string, pods: string[], ready = true): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: service, namespace: 'shop', labels: { 'kubernetes.io/service-name': service } },
  endpoints: pods.map((name) => ({
    addresses: ['10.244.0.1'],
    conditions: { ready },
    targetRef: { kind: 'Pod', name },
  })),
});
const among = (slices: EndpointSlice[], pods: Pod[]) =>
  sharedServiceAmong(['web', 'all'], {
    namespace: 'shop',
    slices,
    podOf: (key) => pods.find(({ metadata }) => `shop/${metadata.name}` === key),
    replicaSets: new Set(['web-1', 'web-canary-1']),
  });

describe('a Service', () => {
  const own = [pod('a', 'web-1'), pod('b', 'web-canary-1')];

  it("is not shared by the pods of the Deployment and its canary's", () => {
    expect(among([slice('web', ['a', 'b']), slice('all', ['a'])], own)).toBeUndefined();
  });

  it('is shared with another workload whose pod is ready behind it', () => {
    expect(among([slice('web', ['a']), slice('all', ['a', 'x'])], [...own, pod('x', 'legacy-1')])).toEqual({
      reason: 'SharedService',
      message: 'Service all also selects pods of ReplicaSet legacy-1',
    });
  });

  it('is shared with a pod that belongs to nobody', () => {
    expect(among([slice('web', ['x'])], [pod('x', undefined)])?.message).toBe(
      'Service web also selects pod x',
    );
  });

  it('is not shared with pods that are not ready, nor with any that the cache does not have yet', () => {
    expect(among([slice('web', ['x'], false)], [pod('x', 'legacy-1')])).toBeUndefined();
    expect(among([slice('web', ['late'])], own)).toBeUndefined();
  });
});
