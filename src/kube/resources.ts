import type { KubeObject } from '../core/objects.ts';

/** The kinds Kanari reads or writes, and where the API server serves them. */
export const RESOURCES = {
  Namespace: { group: '', version: 'v1', plural: 'namespaces', namespaced: false },
  Secret: { group: '', version: 'v1', plural: 'secrets', namespaced: true },
  Service: { group: '', version: 'v1', plural: 'services', namespaced: true },
  Pod: { group: '', version: 'v1', plural: 'pods', namespaced: true },
  Event: { group: '', version: 'v1', plural: 'events', namespaced: true },
  Deployment: { group: 'apps', version: 'v1', plural: 'deployments', namespaced: true },
  ReplicaSet: { group: 'apps', version: 'v1', plural: 'replicasets', namespaced: true },
  ControllerRevision: { group: 'apps', version: 'v1', plural: 'controllerrevisions', namespaced: true },
  EndpointSlice: { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices', namespaced: true },
  PodDisruptionBudget: { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets', namespaced: true },
  Lease: { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', namespaced: true },
  Canary: { group: 'kanari.dev', version: 'v1alpha1', plural: 'canaries', namespaced: true },
  CanaryPolicy: { group: 'kanari.dev', version: 'v1alpha1', plural: 'canarypolicies', namespaced: true },
  VirtualService: {
    group: 'networking.istio.io',
    version: 'v1',
    plural: 'virtualservices',
    namespaced: true,
  },
  DestinationRule: {
    group: 'networking.istio.io',
    version: 'v1',
    plural: 'destinationrules',
    namespaced: true,
  },
  HTTPRoute: { group: 'gateway.networking.k8s.io', version: 'v1', plural: 'httproutes', namespaced: true },
  GRPCRoute: { group: 'gateway.networking.k8s.io', version: 'v1', plural: 'grpcroutes', namespaced: true },
  MutatingWebhookConfiguration: {
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    plural: 'mutatingwebhookconfigurations',
    namespaced: false,
  },
  SelfSubjectReview: {
    group: 'authentication.k8s.io',
    version: 'v1',
    plural: 'selfsubjectreviews',
    namespaced: false,
  },
} as const;

export type ResourceKind = keyof typeof RESOURCES;

/** Names one object. */
export interface ObjectRef {
  kind: ResourceKind;
  name: string;
  namespace?: string;
}

/** Names an object to write. Throws for a kind that is not in the table. */
export const refOf = ({ kind, metadata: { name, namespace } }: KubeObject): ObjectRef => {
  if (!Object.hasOwn(RESOURCES, kind)) throw new Error(`Kanari writes no objects of kind ${kind}`);
  return { kind: kind as ResourceKind, name, ...(namespace === undefined ? {} : { namespace }) };
};

/** `v1`, `apps/v1`, … */
export const apiVersionOf = (kind: ResourceKind): string => {
  const { group, version } = RESOURCES[kind];
  return group === '' ? version : `${group}/${version}`;
};

/** Path of a collection, or of one object in it, on the API server. */
export const pathOf = (
  kind: ResourceKind,
  at: { namespace?: string; name?: string; subresource?: string },
): string => {
  const { group, version, plural, namespaced } = RESOURCES[kind];
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const scope =
    namespaced && at.namespace !== undefined ? `/namespaces/${encodeURIComponent(at.namespace)}` : '';
  const name = at.name === undefined ? '' : `/${encodeURIComponent(at.name)}`;
  const subresource = at.subresource === undefined ? '' : `/${at.subresource}`;
  return `${root}${scope}/${plural}${name}${subresource}`;
};
