import type { KubeObject } from '../../src/core/objects.ts';

// Istio's objects as users have them for the Service web of the namespace shop, each set as its schema accepts it.

type Manifest = KubeObject & { spec: object };

const apiVersion = 'networking.istio.io/v1';
const metadata = { namespace: 'shop', labels: { team: 'shop' }, annotations: { 'example.com/owner': 'jo' } };

const virtualService = (name: string, spec: object): Manifest => ({
  apiVersion,
  kind: 'VirtualService',
  metadata: { ...metadata, name },
  spec,
});
const destinationRule = (name: string, spec: object): Manifest => ({
  apiVersion,
  kind: 'DestinationRule',
  metadata: { ...metadata, name },
  spec,
});
const to = (host: string, weight?: number, subset?: string): object => ({
  destination: { host, ...(subset === undefined ? {} : { subset }) },
  ...(weight === undefined ? {} : { weight }),
});

export const ISTIO_USERS: Readonly<Record<string, Manifest[]>> = {
  'matches, rewrites, faults, redirects and header operations': [
    virtualService('web', {
      hosts: ['web'],
      http: [
        {
          name: 'api',
          match: [{ uri: { prefix: '/api' }, headers: { 'x-beta': { exact: 'yes' } } }, { port: 8080 }],
          rewrite: { uri: '/' },
          headers: { request: { set: { 'x-a': 'b' }, remove: ['x-c'] } },
          fault: { abort: { httpStatus: 418, percentage: { value: 0.1 } } },
          corsPolicy: { allowOrigins: [{ exact: 'https://shop.example' }] },
          route: [
            { ...to('web.shop.svc.cluster.local'), headers: { response: { add: { 'x-from': 'web' } } } },
          ],
        },
        { match: [{ uri: { exact: '/old' } }], redirect: { uri: '/new', redirectCode: 308 } },
        { match: [{ uri: { exact: '/teapot' } }], directResponse: { status: 418 } },
        { timeout: '3s', retries: { attempts: 0 }, route: [to('web')] },
      ],
    }),
  ],
  'foreign destinations of any weight': [
    virtualService('web', {
      hosts: ['web'],
      http: [
        { match: [{ port: 1 }], route: [to('web', 1), to('db', 99)] },
        { match: [{ port: 2 }], route: [to('web', 33), to('web.other', 33), to('db', 34)] },
        { match: [{ port: 3 }], route: [to('db'), to('web', 100)] },
        { match: [{ port: 4 }], route: [to('web', 100)] },
        { route: [to('web', 0), to('db', 100)] },
      ],
    }),
  ],
  'mirrors to the host': [
    virtualService('web', {
      hosts: ['web'],
      http: [
        {
          match: [{ port: 1 }],
          route: [to('web')],
          mirror: { host: 'web', port: { number: 80 } },
          mirrorPercentage: { value: 5 },
        },
        {
          route: [to('db')],
          mirrors: [
            { destination: { host: 'web' }, percentage: { value: 10 } },
            { destination: { host: 'db' } },
          ],
        },
      ],
    }),
  ],
  'TCP and TLS beside HTTP, for a gateway and the mesh': [
    virtualService('web', {
      hosts: ['web', 'shop.example'],
      gateways: ['edge/public', 'mesh'],
      http: [{ match: [{ gateways: ['edge/public'] }], route: [to('web')] }, { route: [to('web')] }],
      tcp: [
        {
          match: [{ port: 9000, sourceLabels: { app: 'front' } }],
          route: [to('web', 50), to('db', 50)],
        },
      ],
      tls: [{ match: [{ port: 443, sniHosts: ['web.shop.svc.cluster.local'] }], route: [to('web')] }],
    }),
  ],
  'several routes, one a delegate and one that delegates': [
    virtualService('root', {
      hosts: ['shop.example'],
      gateways: ['edge/public'],
      http: [{ match: [{ uri: { prefix: '/' } }], delegate: { name: 'part', namespace: 'shop' } }],
    }),
    virtualService('part', { http: [{ route: [to('web', 90), to('db', 10)] }] }),
    virtualService('web', { hosts: ['web.shop.svc.cluster.local'], http: [{ route: [to('web')] }] }),
  ],
  'versions, and a policy of their own': [
    virtualService('web', {
      hosts: ['web'],
      http: [
        { match: [{ headers: { 'x-version': { exact: 'v2' } } }], route: [to('web', undefined, 'v2')] },
        { route: [to('web', 80, 'v1'), to('web', 20, 'v2')] },
      ],
    }),
    destinationRule('web', {
      host: 'web',
      trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 10 } } },
      subsets: [
        { name: 'v1', labels: { version: 'v1' }, trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } },
        { name: 'v2', labels: { version: 'v2' } },
      ],
      exportTo: ['*'],
    }),
  ],
  'two rules and subsets of another tool': [
    virtualService('web', {
      hosts: ['web'],
      http: [{ route: [to('web', 100, 'prod'), to('web', 0, 'canary')] }],
    }),
    destinationRule('web', {
      host: 'web.shop.svc.cluster.local',
      subsets: [
        { name: 'prod', labels: { track: 'prod' } },
        { name: 'canary', labels: { track: 'canary' } },
      ],
    }),
    destinationRule('policy', { host: 'web', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } }),
  ],
  'for the own namespace only': [
    virtualService('web', { hosts: ['web'], exportTo: ['.'], http: [{ route: [to('web')] }] }),
    destinationRule('web', { host: 'web', exportTo: ['.'], subsets: [] }),
  ],
};
