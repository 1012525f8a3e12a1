import { expect, it } from 'vitest';
import type { KubeObject, StringMap } from '../../src/core/objects.ts';
import { createOutsideCallers } from '../../src/traffic/outside-callers.ts';
import { deployment } from '../core/deployment-fixtures.ts';
import { createStores } from '../scheduler/fake-cluster.ts';

interface Case {
  labels?: StringMap;
  selector?: StringMap;
  host?: string;
  expect: boolean;
}

const inShop = (kind: string, spec: object): KubeObject => {
  const metadata = { name: 'web', namespace: 'shop', uid: kind, resourceVersion: '1' };
  const object = { apiVersion: 'v1', kind, metadata, spec };
  return object;
};

it.each<[string, Case]>([
  ['callers of a namespace without sidecars, to which a route leads', { expect: true }],
  ['not where they are injected', { labels: { 'istio-injection': 'enabled' }, expect: false }],
  ['not where the node has the proxy', { labels: { 'istio.io/dataplane-mode': 'ambient' }, expect: false }],
  ['not without a route to the Service', { host: 'db', expect: false }],
  ['not without a Service that selects the pods', { selector: { app: 'other' }, expect: false }],
  ['not with a Service that selects nothing', { selector: {}, expect: false }],
])('%s', (_name, { labels = {}, selector = { app: 'web' }, host = 'web', expect: expected }) => {
  const stores = createStores();
  stores.fill('services', inShop('Service', { selector }));
  stores.fill(
    'virtualServices',
    inShop('VirtualService', { http: [{ route: [{ destination: { host } }] }] }),
  );
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } };
  expect(createOutsideCallers(stores)(deployment(), namespace)).toBe(expected);
});
