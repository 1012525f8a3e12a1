import type { KubeObject } from '../../src/core/objects.ts';
import { createIstioRouter } from '../../src/traffic/istio.ts';
import type { TrafficTarget } from '../../src/traffic/router.ts';
import { createFakeIstioApi, type FakeIstioApi } from './fake-istio-api.ts';
import { service } from './router-contract.ts';

// Istio's router beside an API server in memory, and objects of the namespace `shop`.

export const signal = new AbortController().signal;
const apiVersion = 'networking.istio.io/v1';
export const routeTo = (name: string, host: string, extra: object = {}): KubeObject =>
  ({
    apiVersion,
    kind: 'VirtualService',
    metadata: { name, namespace: 'shop', managedFields: [{ manager: 'kubectl' }] },
    spec: { hosts: [host], http: [{ route: [{ destination: { host } }] }], ...extra },
  }) as KubeObject;
export const ruleFor = (name: string, host: string, extra: object = {}): KubeObject =>
  ({
    apiVersion,
    kind: 'DestinationRule',
    metadata: { name, namespace: 'shop', managedFields: [{ manager: 'kubectl' }] },
    spec: { host, ...extra },
  }) as KubeObject;
export const elsewhere = (namespace: string, object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
});
export const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-1', controller: true };
export const target: TrafficTarget = {
  key: 'shop/web',
  owner,
  services: [service('web', [{ name: 'http', port: 80 }])],
};
export const twoPorts: TrafficTarget = {
  ...target,
  services: [
    service('web', [
      { name: 'http', port: 80 },
      { name: 'metrics-raw', port: 9000 },
    ]),
  ],
};

export const setUp = (...users: KubeObject[]) => {
  const api = createFakeIstioApi();
  for (const object of users) api.put(object);
  const warnings: string[] = [];
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) };
  const router = createIstioRouter({ stores: api.stores, writer: api.writer, reader: api.reader, log });
  return { api, router, warnings };
};
export const all = (api: FakeIstioApi): KubeObject[] => [
  ...api.stores.virtualServices.list(),
  ...api.stores.destinationRules.list(),
];
/** Without what the API server keeps for itself. */
export const bare = (object: KubeObject): unknown => {
  const metadata = { ...object.metadata };
  delete metadata.resourceVersion;
  delete metadata.uid;
  return { ...object, metadata };
};
