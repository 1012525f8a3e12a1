import type { KubeObject, ObjectMeta, OwnerReference } from '../objects.ts';
import { isOwn, OWN_LABELS } from '../route-change.ts';
import { type DestinationRule, userSubsetsOf } from './destination-rule.ts';
import { hostOf } from './hosts.ts';
import type { Uncovered } from './mesh-cover.ts';
import type { VirtualService } from './virtual-service.ts';
import { type Visibility, visibilityOf } from './visibility.ts';

// The objects Kanari makes where the user has none. They go with the Deployment that owns them.

const API_VERSION = 'networking.istio.io/v1';

/** `<service>-kanari`, or the next number's when a foreign object has that name. */
export const ownNameFor = (service: string, existing: readonly KubeObject[]): string => {
  const taken = new Set(existing.filter((object) => !isOwn(object)).map(({ metadata }) => metadata.name));
  const base = `${service}-kanari`;
  let name = base;
  for (let number = 2; taken.has(name); number += 1) name = `${base}-${number}`;
  return name;
};

export interface OwnRoute {
  name: string;
  namespace: string;
  owner: OwnerReference | undefined;
}

const metadataOf = ({ name, namespace, owner }: OwnRoute): ObjectMeta => ({
  name,
  namespace,
  labels: OWN_LABELS,
  ...(owner === undefined ? {} : { ownerReferences: [owner] }),
});

/** As the rules it routes to: for clients who do not see those, its subsets would be unknown hosts. */
const exported = (visibility: Visibility, own: string): { exportTo?: string[] } =>
  visibility === 'everywhere'
    ? {}
    : { exportTo: [...visibility].map((namespace) => (namespace === own ? '.' : namespace)).sort() };

/**
 * Routes what the user's VirtualServices leave uncovered of the mesh's traffic to the Service, as it goes without it.
 * Never `tls`: connections with other server names would break.
 */
export const ownVirtualService = (
  route: OwnRoute,
  service: string,
  { http, tcp, visibility }: Uncovered & { visibility: Visibility },
): VirtualService => ({
  apiVersion: API_VERSION,
  kind: 'VirtualService',
  metadata: metadataOf(route),
  spec: {
    hosts: [hostOf(service, route.namespace)],
    gateways: ['mesh'],
    ...exported(visibility, route.namespace),
    ...(http.length === 0 ? {} : { http }),
    ...(tcp.length === 0 ? {} : { tcp }),
  },
});

/**
 * Lends subsets to a Service without a rule of its own. A rule for exactly the host replaces the one in effect (a
 * wildcard, or one of the root namespace) as a whole, so that one's policy, subsets and visibility come along.
 */
export const ownDestinationRule = (
  route: OwnRoute,
  service: string,
  inEffect: DestinationRule | undefined,
): DestinationRule => {
  const subsets = inEffect === undefined ? [] : userSubsetsOf(inEffect);
  const trafficPolicy = inEffect?.spec['trafficPolicy'];
  return {
    apiVersion: API_VERSION,
    kind: 'DestinationRule',
    metadata: metadataOf(route),
    spec: {
      host: hostOf(service, route.namespace),
      ...(trafficPolicy === undefined ? {} : { trafficPolicy }),
      ...(subsets.length === 0 ? {} : { subsets }),
      ...(inEffect === undefined ? {} : exported(visibilityOf(inEffect), route.namespace)),
    },
  };
};
