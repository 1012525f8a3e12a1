import { type EnvoyConfig, envoyConfig } from '../../lab/envoy-config.ts';
import type { HttpRoute } from '../../lab/http-route.ts';
import type { DestinationRule, MeshClient, MeshObjects, VirtualService } from '../../lab/mesh-objects.ts';
import type { EndpointSlice, Pod, Service, StringMap } from '../../src/core/objects.ts';

// A mesh with the Service `web` of the namespace `shop`, and what a proxy there is sent.

type ServicePorts = NonNullable<NonNullable<Service['spec']>['ports']>;

export const service = (name: string, ports: ServicePorts = [{ port: 80 }], namespace = 'shop'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { ports },
});

interface Placed {
  name?: string;
  namespace?: string;
  /** Orders rules; a date. */
  created?: string;
}

export const virtualService = (
  spec: VirtualService['spec'],
  { name = 'web', namespace = 'shop', created = '2026-01-01T00:00:00Z' }: Placed = {},
): VirtualService => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace, creationTimestamp: created },
  spec,
});

export const rule = (
  spec: DestinationRule['spec'],
  { name = spec.host, namespace = 'shop', created = '2026-01-01T00:00:00Z' }: Placed = {},
): DestinationRule => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name, namespace, creationTimestamp: created },
  spec,
});

export const pod = (name: string, labels: StringMap): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', labels },
});

export type Conditions = NonNullable<NonNullable<EndpointSlice['endpoints']>[number]['conditions']>;

export const slice = (endpoints: { ip: string; pod: string; conditions?: Conditions }[]): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-x', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  endpoints: endpoints.map(({ ip, pod: name, conditions }) => ({
    addresses: [ip],
    ...(conditions === undefined ? {} : { conditions }),
    targetRef: { kind: 'Pod', name },
  })),
  ports: [{ name: '', port: 8080 }],
});

export const config = (objects: Partial<MeshObjects>, client: Partial<MeshClient> = {}): EnvoyConfig =>
  envoyConfig(
    {
      routing: { services: [service('web')], virtualServices: [], destinationRules: [], ...objects },
      serving: { endpointSlices: [], pods: [], ...objects },
    },
    { namespace: 'shop', ...client },
    (cluster) => `/xds/${cluster}`,
  );

// What the tests read of Envoy's own shapes.
export interface Route {
  match: { headers?: unknown };
  route: { cluster?: string; weighted_clusters?: { clusters: unknown }; retry_policy?: unknown };
}
export interface Host {
  domains: string[];
  routes: Route[];
}

export const hostsOf = ({ routes }: EnvoyConfig): Host[] => routes['virtual_hosts'] as unknown as Host[];

/** The routes of `web` as these http routes make them. */
export const routesFor = (
  http: HttpRoute[],
  more: Partial<MeshObjects> = {},
  client: Partial<MeshClient> = {},
): Route[] =>
  hostsOf(config({ virtualServices: [virtualService({ hosts: ['web'], http })], ...more }, client))[0]!
    .routes;

export const PLAIN = 'outbound|80||web.shop.svc.cluster.local';
export const CANARY = 'outbound|80|kanari-canary|web.shop.svc.cluster.local';
export const PRIMARY = 'outbound|80|kanari-primary|web.shop.svc.cluster.local';
export const to = (subset?: string, weight?: number) => ({
  destination: { host: 'web', ...(subset === undefined ? {} : { subset }) },
  ...(weight === undefined ? {} : { weight }),
});
