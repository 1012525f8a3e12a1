import { describe, expect, it } from 'vitest';
import { clustersNamedIn } from '../../lab/envoy-config.ts';
import type { HttpRoute } from '../../lab/http-route.ts';
import type { VirtualService } from '../../lab/mesh-objects.ts';
import type { EndpointSlice } from '../../src/core/objects.ts';
import {
  CANARY,
  type Conditions,
  config,
  hostsOf,
  PLAIN,
  PRIMARY,
  pod,
  type Route,
  routesFor,
  rule,
  service,
  slice,
  to,
  virtualService,
} from './mesh-fixtures.ts';

interface Assignment {
  endpoints: { lb_endpoints: { endpoint: { address: { socket_address: { address: string } } } }[] }[];
}

const actionFor = (http: HttpRoute): Route['route'] => routesFor([http])[0]!.route;

describe('virtual hosts', () => {
  it('answer to every spelling of a Service, with its port and without', () => {
    expect(hostsOf(config({}))[0]!.domains).toEqual([
      'web.shop.svc.cluster.local',
      'web.shop.svc.cluster.local:80',
      'web.shop.svc',
      'web.shop.svc:80',
      'web.shop',
      'web.shop:80',
      'web',
      'web:80',
    ]);
  });

  it('know a short name only in its own namespace', () => {
    const services = [service('web'), service('web', [{ port: 80 }], 'other')];
    const [shop, other] = hostsOf(config({ services }));
    expect(shop!.domains).toContain('web');
    expect(other!.domains).toContain('web.other');
    expect(other!.domains).not.toContain('web');
  });

  it('take the first port when the request names none, and any port that it names', () => {
    const hosts = hostsOf(config({ services: [service('web', [{ port: 80 }, { name: 'b', port: 81 }])] }));
    expect(hosts[0]!.domains).toContain('web');
    expect(hosts[1]!.domains).toContain('web:81');
    expect(hosts[1]!.domains).not.toContain('web');
  });

  it('route to the Service itself without a VirtualService', () => {
    expect(hostsOf(config({}))[0]!.routes[0]!.route).toMatchObject({ cluster: PLAIN, timeout: '0s' });
  });
});

describe('a VirtualService is in effect', () => {
  const http = [{ route: [to('kanari-canary')] }];
  const cases: Record<string, { specs: VirtualService['spec'][]; split: boolean }> = {
    'by short name': { specs: [{ hosts: ['web'], http }], split: true },
    'by name and namespace': { specs: [{ hosts: ['web.shop'], http }], split: true },
    'by name with svc': { specs: [{ hosts: ['web.shop.svc'], http }], split: true },
    'by full name': { specs: [{ hosts: ['web.shop.svc.cluster.local'], http }], split: true },
    'by wildcard': { specs: [{ hosts: ['*.shop.svc.cluster.local'], http }], split: true },
    'for the mesh when named': { specs: [{ hosts: ['web'], gateways: ['in', 'mesh'], http }], split: true },
    'not of another host': { specs: [{ hosts: ['api'], http }], split: false },
    'not of another namespace': { specs: [{ hosts: ['web.other'], http }], split: false },
    'not when only for a gateway': { specs: [{ hosts: ['web'], gateways: ['in'], http }], split: false },
    'not without http routes': { specs: [{ hosts: ['web'] }], split: false },
    'not with weights that are all 0: istiod drops it': {
      specs: [{ hosts: ['web'], http: [{ route: [to('kanari-primary', 0), to('kanari-canary', 0)] }] }],
      split: false,
    },
    'when closer than a wildcard': {
      specs: [
        { hosts: ['*'], http: [{ route: [to()] }] },
        { hosts: ['web'], http },
      ],
      split: true,
    },
    'when older than another for the same host': {
      specs: [
        { hosts: ['web'], http },
        { hosts: ['web.shop'], http: [{ route: [to()] }] },
      ],
      split: true,
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { specs, split }) => {
    const virtualServices = specs.map((spec, age) =>
      virtualService(spec, { name: `vs-${9 - age}`, created: `2026-01-0${age + 1}` }),
    );
    const expected = split ? CANARY : PLAIN;
    expect(hostsOf(config({ virtualServices }))[0]!.routes[0]!.route.cluster).toBe(expected);
  });
});

describe('destinations', () => {
  it('share by weight, whatever the sum', () => {
    const action = actionFor({ route: [to('kanari-primary', 3), to('kanari-canary', 1)] });
    expect(action.weighted_clusters?.clusters).toEqual([
      { name: PRIMARY, weight: 3 },
      { name: CANARY, weight: 1 },
    ]);
  });

  it('take nothing at weight 0 or without a weight beside others', () => {
    const action = actionFor({ route: [to('kanari-primary', 100), to('kanari-canary', 0), to()] });
    expect(action.cluster).toBe(PRIMARY);
  });

  it('take everything when alone, without a weight', () => {
    expect(actionFor({ route: [to('kanari-canary')] }).cluster).toBe(CANARY);
  });

  it('may name another Service and its port', () => {
    const destination = { host: 'api', port: { number: 9090 } };
    expect(actionFor({ route: [{ destination }] }).cluster).toBe('outbound|9090||api.shop.svc.cluster.local');
  });

  it('take the only port of another Service, and of several the one that was asked for', () => {
    const clusterFor = (ports: { port: number }[]) => {
      const services = [service('web'), service('api', ports)];
      return routesFor([{ route: [{ destination: { host: 'api' } }] }], { services })[0]!.route.cluster;
    };
    expect(clusterFor([{ port: 9090 }])).toBe('outbound|9090||api.shop.svc.cluster.local');
    expect(clusterFor([{ port: 9090 }, { port: 9091 }])).toBe('outbound|80||api.shop.svc.cluster.local');
  });
});

describe('an http route', () => {
  it('becomes one route per match, in order', () => {
    const http: HttpRoute[] = [
      {
        match: [{ uri: { exact: '/a' } }, { uri: { prefix: '/b' } }, { uri: { regex: '/c.*' } }],
        route: [to()],
      },
      { route: [to('kanari-canary')] },
    ];
    expect(routesFor(http).map(({ match }) => match)).toEqual([
      { path: '/a' },
      { prefix: '/b' },
      { safe_regex: { regex: '/c.*' } },
      { prefix: '/' },
    ]);
  });

  it('matches method and headers', () => {
    const match = [{ method: { exact: 'POST' }, headers: { 'x-beta': { prefix: 'y' }, 'x-any': {} } }];
    expect(routesFor([{ match, route: [to()] }])[0]!.match.headers).toEqual([
      { name: ':method', string_match: { exact: 'POST' } },
      { name: 'x-beta', string_match: { prefix: 'y' } },
      { name: 'x-any', present_match: true },
    ]);
  });

  it('takes a request without the header for one that has another value', () => {
    const match = [{ withoutHeaders: { 'x-beta': { exact: 'y' }, 'x-any': {} } }];
    expect(routesFor([{ match, route: [to()] }])[0]!.match.headers).toEqual([
      {
        name: 'x-beta',
        string_match: { exact: 'y' },
        invert_match: true,
        treat_missing_header_as_empty: true,
      },
      { name: 'x-any', present_match: true, invert_match: true },
    ]);
  });

  const unmet = {
    'of a gateway': { gateways: ['in'] },
    'of another port': { port: 81 },
    'of labelled clients': { sourceLabels: { app: 'x' } },
    "of another namespace's clients": { sourceNamespace: 'other' },
  };
  it.each(Object.entries(unmet))('leaves out matches %s', (_name, match) => {
    const http = [{ match: [match], route: [to('kanari-canary')] }, { route: [to('kanari-primary')] }];
    expect(routesFor(http).map(({ route }) => route.cluster)).toEqual([PRIMARY]);
  });

  it('that concerns nobody here leaves the Service as it is', () => {
    const http = [{ match: [{ port: 81 }], route: [to('kanari-canary')] }];
    expect(routesFor(http).map(({ route }) => route.cluster)).toEqual([PLAIN]);
  });

  const met = {
    'labelled like the client': { sourceLabels: { app: 'x' } },
    "of the client's namespace": { sourceNamespace: 'shop' },
    'of the mesh, whatever the source': { gateways: ['mesh'], sourceNamespace: 'other' },
  };
  it.each(Object.entries(met))('has matches %s', (_name, match) => {
    const http = [{ match: [match], route: [to('kanari-canary')] }];
    expect(routesFor(http, {}, { labels: { app: 'x', more: 'y' } })[0]!.route.cluster).toBe(CANARY);
  });

  it('ends the list when it fits everything', () => {
    const http = [{ match: [{ uri: { prefix: '/' } }], route: [to('kanari-canary')] }, { route: [to()] }];
    expect(routesFor(http).map(({ route }) => route.cluster)).toEqual([CANARY]);
  });

  it('retries as istiod does unless told otherwise', () => {
    expect(actionFor({ route: [to()] }).retry_policy).toMatchObject({
      num_retries: 2,
      retry_on: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes',
    });
    expect(actionFor({ route: [to()], retries: { attempts: 0 } }).retry_policy).toBeUndefined();
    const retries = { attempts: 5, perTryTimeout: '250ms', retryOn: '5xx' };
    expect(actionFor({ route: [to()], retries }).retry_policy).toMatchObject({
      num_retries: 5,
      per_try_timeout: '0.25s',
      retry_on: '5xx',
    });
    expect(
      actionFor({ route: [to()], retries: { attempts: 1, retryOn: 'reset, 503' } }).retry_policy,
    ).toMatchObject({
      retry_on: 'reset,retriable-status-codes',
      retriable_status_codes: [503],
    });
  });

  it('is never retried where the lab wants no request masked', () => {
    const http = [
      { match: [{ method: { exact: 'PUT' } }], route: [to()], retries: { attempts: 5 } },
      { route: [to()] },
    ];
    const client = { retries: false };
    const routes = [...routesFor(http, {}, client), ...hostsOf(config({}, client))[0]!.routes];
    expect(routes.map(({ route }) => route.retry_policy)).toEqual([undefined, undefined, undefined]);
  });

  it('carries timeout and rewrite', () => {
    const http = {
      match: [{ uri: { prefix: '/v1' } }],
      rewrite: { uri: '/' },
      timeout: '1m30s',
      route: [to()],
    };
    expect(actionFor(http)).toMatchObject({ prefix_rewrite: '/', timeout: '90s' });
  });
});

describe('clusters and endpoints', () => {
  const destinationRules = [
    rule({ host: 'web', subsets: [{ name: 'kanari-primary', labels: { v: 'primary' } }] }),
    rule({
      host: 'web.shop.svc.cluster.local',
      subsets: [{ name: 'kanari-canary', labels: { v: 'canary' } }],
    }),
  ];
  const pods = [pod('p', { v: 'primary' }), pod('c', { v: 'canary' })];
  const addressesOf = (cluster: string, endpointSlices: EndpointSlice[]): string[] => {
    const assignment = config({ destinationRules, pods, endpointSlices }).assignments.get(
      cluster,
    ) as unknown as Assignment;
    return assignment.endpoints[0]!.lb_endpoints.map(
      ({ endpoint }) => endpoint.address.socket_address.address,
    );
  };

  it('are made for the Service and each subset of every rule for its host', () => {
    expect([...config({ destinationRules }).clusters.keys()]).toEqual([PLAIN, PRIMARY, CANARY]);
  });

  it('are not made for a subset that no rule defines, so that Envoy answers 503', () => {
    const all = config({
      virtualServices: [virtualService({ hosts: ['web'], http: [{ route: [to('x')] }] })],
    });
    expect(clustersNamedIn(all)).toEqual(new Set(['outbound|80|x|web.shop.svc.cluster.local']));
    expect([...all.clusters.keys()]).toEqual([PLAIN]);
  });

  it('hold the pods with the labels of the subset, at their loopback addresses', () => {
    const both = [
      slice([
        { ip: '10.244.0.1', pod: 'p' },
        { ip: '10.244.0.2', pod: 'c' },
      ]),
    ];
    expect(addressesOf(PLAIN, both)).toEqual(['127.244.0.1', '127.244.0.2']);
    expect(addressesOf(PRIMARY, both)).toEqual(['127.244.0.1']);
    expect(addressesOf(CANARY, both)).toEqual(['127.244.0.2']);
  });

  const conditions: Record<string, { conditions: Conditions; there: boolean }> = {
    'ready is in': { conditions: { ready: true }, there: true },
    'of unknown readiness is in': { conditions: { ready: null }, there: true },
    'not ready is out': { conditions: { ready: false }, there: false },
    'terminating is out': { conditions: { ready: true, serving: true, terminating: true }, there: false },
  };
  it.each(Object.entries(conditions))('an endpoint %s', (_name, { conditions, there }) => {
    const addresses = addressesOf(PLAIN, [slice([{ ip: '10.244.0.1', pod: 'p', conditions }])]);
    expect(addresses).toEqual(there ? ['127.244.0.1'] : []);
  });
});
