import type { DestinationRule } from '../../../src/core/istio/destination-rule.ts';
import type { RouteView } from '../../../src/core/istio/route-view.ts';
import type { VirtualService } from '../../../src/core/istio/virtual-service.ts';
import type { ObjectMeta, Service } from '../../../src/core/objects.ts';

// Istio's objects of the namespace shop, and what a Deployment's router sees of them.

const apiVersion = 'networking.istio.io/v1';

export const HOST = 'web.shop.svc.cluster.local';

export const virtualService = (spec: object, metadata: Partial<ObjectMeta> = {}): VirtualService => ({
  apiVersion,
  kind: 'VirtualService',
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  spec: { hosts: ['web'], ...spec },
});

export const destinationRule = (spec: object, metadata: Partial<ObjectMeta> = {}): DestinationRule => ({
  apiVersion,
  kind: 'DestinationRule',
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  spec: { host: 'web', ...spec },
});

/** One route to the host, by whichever protocol it is put under. */
export const to = (host: string): { route: { destination: { host: string } }[] }[] => [
  { route: [{ destination: { host } }] },
];

export const serviceOf = (name: string, spec: Service['spec'] = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [{ name: 'http', port: 80 }], clusterIP: '10.96.0.7', ...spec },
});

export const viewOf = (view: Partial<RouteView> = {}): RouteView => ({
  name: 'web',
  namespace: 'shop',
  owner: undefined,
  services: [serviceOf('web')],
  podLabels: undefined,
  virtualServices: [],
  destinationRules: [],
  elsewhere: { virtualServices: [], destinationRules: [] },
  ...view,
});
