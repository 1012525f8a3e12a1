import { describe, expect, it } from 'vitest';
import type { HttpRoute } from '../../lab/http-route.ts';
import type { ConsistentHash, TrafficPolicy } from '../../lab/mesh-objects.ts';
import { CANARY, config, PLAIN, PRIMARY, routesFor, rule, to } from './mesh-fixtures.ts';

// What an http route does beside choosing a destination.

const routeFor = (http: HttpRoute): Record<string, unknown> => ({ ...routesFor([http])[0] });
const actionFor = (http: HttpRoute) => routeFor(http)['route'];

describe('header operations', () => {
  const headers = {
    request: { set: { 'x-a': '1', host: 'other' }, add: { 'x-b': '2' }, remove: ['x-c', ':path'] },
    response: { set: { 'x-d': '3' }, add: { 'set-cookie': 'v=canary' }, remove: ['x-e'] },
  };
  const fields = {
    request_headers_to_add: [
      { header: { key: 'x-a', value: '1' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
      { header: { key: 'x-b', value: '2' }, append_action: 'APPEND_IF_EXISTS_OR_ADD' },
    ],
    request_headers_to_remove: ['x-c'],
    response_headers_to_add: [
      { header: { key: 'x-d', value: '3' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
      { header: { key: 'set-cookie', value: 'v=canary' }, append_action: 'APPEND_IF_EXISTS_OR_ADD' },
    ],
    response_headers_to_remove: ['x-e'],
  };

  it('of the route are the route’s, and its host is rewritten', () => {
    expect(routeFor({ headers, route: [to()] })).toMatchObject({
      ...fields,
      route: { host_rewrite_literal: 'other' },
    });
  });

  it('of a destination that shares are its own', () => {
    const route = [{ ...to('kanari-primary', 80), headers }, to('kanari-canary', 20)];
    expect(actionFor({ route })).toMatchObject({
      weighted_clusters: {
        clusters: [
          { name: PRIMARY, weight: 80, host_rewrite_literal: 'other', ...fields },
          { name: CANARY, weight: 20 },
        ],
      },
    });
  });

  it('of a destination that is alone are the route’s', () => {
    expect(routeFor({ route: [{ ...to(), headers }] })).toMatchObject(fields);
  });
});

describe('mirrors', () => {
  const mirroredTo = (cluster: string, numerator: number) => ({
    cluster,
    runtime_fraction: { default_value: { numerator, denominator: 'MILLION' } },
  });
  const mirror = { host: 'web', subset: 'kanari-canary' };
  const cases: Record<string, [HttpRoute, unknown]> = {
    'get everything unless told otherwise': [{ mirror }, [mirroredTo(CANARY, 1_000_000)]],
    'get their share': [{ mirror, mirrorPercentage: { value: 12.5 } }, [mirroredTo(CANARY, 125_000)]],
    'get nothing at 0': [{ mirror, mirrorPercentage: { value: 0 } }, undefined],
    'may be several': [
      { mirror, mirrors: [{ destination: { host: 'web' }, percentage: { value: 1 } }] },
      [mirroredTo(CANARY, 1_000_000), mirroredTo(PLAIN, 10_000)],
    ],
  };
  it.each(Object.entries(cases))('%s', (_name, [http, policies]) => {
    const action = actionFor({ ...http, route: [to()] }) as { request_mirror_policies?: unknown };
    expect(action.request_mirror_policies).toEqual(policies);
  });
});

describe('a route without a destination', () => {
  it('redirects', () => {
    const redirect = { uri: '/new', authority: 'elsewhere', redirectCode: 308 };
    expect(routeFor({ redirect })['redirect']).toEqual({
      path_redirect: '/new',
      host_redirect: 'elsewhere',
      response_code: 'PERMANENT_REDIRECT',
    });
  });

  it('answers itself', () => {
    const directResponse = { status: 418, body: { string: 'teapot' } };
    expect(routeFor({ directResponse })['direct_response']).toEqual({
      status: 418,
      body: { inline_string: 'teapot' },
    });
  });
});

it('a fault is injected into the share that is asked for, and into none without one', () => {
  const fault = {
    delay: { fixedDelay: '2s', percentage: { value: 0.1 } },
    abort: { httpStatus: 503 },
  };
  const { typed_per_filter_config: filters } = routeFor({ fault, route: [to()] }) as {
    typed_per_filter_config: Record<string, unknown>;
  };
  expect(filters['envoy.filters.http.fault']).toMatchObject({
    delay: { fixed_delay: '2s', percentage: { numerator: 1000, denominator: 'MILLION' } },
    abort: { http_status: 503, percentage: { numerator: 0 } },
  });
});

it('a rewrite may be of the path’s parts', () => {
  const rewrite = { uriRegexRewrite: { match: '^/v(.*)', rewrite: '/\\1' } };
  expect(actionFor({ rewrite, route: [to()] })).toMatchObject({
    regex_rewrite: { pattern: { regex: '^/v(.*)' }, substitution: '/\\1' },
  });
});

describe('consistent hashing', () => {
  const cookie = { name: 'user', path: '/', ttl: '60s' };
  const hashedBy: Record<string, [ConsistentHash, unknown]> = {
    'a cookie': [{ httpCookie: cookie }, { cookie }],
    'a header': [{ httpHeaderName: 'x-user' }, { header: { header_name: 'x-user' } }],
    'a parameter': [{ httpQueryParameterName: 'user' }, { query_parameter: { name: 'user' } }],
    'the address': [{ useSourceIp: true }, { connection_properties: { source_ip: true } }],
  };
  it.each(Object.entries(hashedBy))('is by %s', (_name, [consistentHash, policy]) => {
    const destinationRules = [rule({ host: 'web', trafficPolicy: { loadBalancer: { consistentHash } } })];
    const [route] = routesFor([{ route: [to()] }], { destinationRules });
    expect(route!.route).toMatchObject({ hash_policy: [policy] });
    expect(config({ destinationRules }).clusters.get(PLAIN)).toMatchObject({
      lb_policy: 'RING_HASH',
      ring_hash_lb_config: { minimum_ring_size: 1024 },
    });
  });

  it('retries the same pod, where no other is in question', () => {
    const destinationRules = [
      rule({ host: 'web', trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true } } } }),
    ];
    const policyFor = (http: HttpRoute) => routesFor([http], { destinationRules })[0]!.route.retry_policy;
    expect(policyFor({ route: [to()] })).not.toHaveProperty('retry_host_predicate');
    expect(policyFor({ route: [to(undefined, 1), to('kanari-canary', 1)] })).toHaveProperty(
      'retry_host_predicate',
    );
  });

  const byHeader = (httpHeaderName: string): TrafficPolicy => ({
    loadBalancer: { consistentHash: { httpHeaderName } },
  });
  const closest: Record<string, [TrafficPolicy, string]> = {
    'of the subset': [byHeader('x-subset'), 'x-subset'],
    'of the subset’s port': [
      { ...byHeader('x-subset'), portLevelSettings: [{ port: { number: 80 }, ...byHeader('x-port') }] },
      'x-port',
    ],
    'of the host where the subset has none': [{}, 'x-host'],
  };
  it.each(Object.entries(closest))('is as the policy %s says', (_name, [trafficPolicy, header]) => {
    const subsets = [{ name: 'kanari-canary', trafficPolicy }];
    const destinationRules = [rule({ host: 'web', subsets, trafficPolicy: byHeader('x-host') })];
    const [route] = routesFor([{ route: [to('kanari-canary')] }], { destinationRules });
    expect(route!.route).toMatchObject({ hash_policy: [{ header: { header_name: header } }] });
  });
});
