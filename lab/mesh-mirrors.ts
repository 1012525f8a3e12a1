import type { EndpointSlice, Pod, ReplicaSet, Service } from '../src/core/objects.ts';
import type { LabApi } from './api.ts';
import type { DestinationRule, VirtualService } from './mesh-objects.ts';

const ISTIO = '/apis/networking.istio.io/v1';

/** What the mesh follows in the cluster, once for all its proxies. */
export const openMirrors = (api: LabApi, signal: AbortSignal) => ({
  services: api.mirror<Service>('/api/v1/services', signal),
  pods: api.mirror<Pod>('/api/v1/pods', signal),
  replicaSets: api.mirror<ReplicaSet>('/apis/apps/v1/replicasets', signal),
  endpointSlices: api.mirror<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices', signal),
  virtualServices: api.mirror<VirtualService>(`${ISTIO}/virtualservices`, signal),
  destinationRules: api.mirror<DestinationRule>(`${ISTIO}/destinationrules`, signal),
});

export type ClusterMirrors = ReturnType<typeof openMirrors>;

/** Istio's kinds are not waited for: their CRDs may never come. */
export const firstLists = async ({ services, pods, endpointSlices }: ClusterMirrors): Promise<void> =>
  void (await Promise.all([services.ready, pods.ready, endpointSlices.ready]));
