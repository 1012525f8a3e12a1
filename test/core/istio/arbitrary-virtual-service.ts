import fc from 'fast-check';
import type { VirtualService } from '../../../src/core/istio/virtual-service.ts';

// VirtualServices as users write them: several routes and protocols, any spelling of hosts, fields Kanari never heard of.

const ourHost = fc.constantFrom('web', 'web.shop', 'web.shop.svc', 'web.shop.svc.cluster.local', 'api');
const foreignHost = fc.constantFrom('db', 'web.other', 'web.other.svc.cluster.local', 'example.com', 'webby');
const destination = fc.record(
  {
    host: fc.oneof({ weight: 3, arbitrary: ourHost }, { weight: 2, arbitrary: foreignHost }),
    subset: fc.constantFrom('v1', 'prod'),
    port: fc.record({ number: fc.constantFrom(80, 8080) }),
  },
  { requiredKeys: ['host'] },
);
const weighted = fc.record(
  {
    destination,
    weight: fc.constantFrom(0, 1, 20, 33, 50, 67, 100, 10_000),
    headers: fc.constantFrom<object[]>(
      { request: { set: { 'x-a': 'b' } } },
      { response: { add: { 'set-cookie': 'theme=dark', 'Set-Cookie': 'a=b; Path=/' }, remove: ['server'] } },
      { response: { add: {} } },
      {},
    ),
  },
  { requiredKeys: ['destination'] },
);
const list = fc.array(weighted, { minLength: 1, maxLength: 4 });
const httpMatch = fc.record(
  {
    name: fc.constantFrom('a', 'of-mine'),
    uri: fc.constant({ prefix: '/a' }),
    headers: fc.constantFrom<object[]>(
      { cookie: { regex: '.*' }, Cookie: { exact: 'a' } },
      { 'x-group': {} },
    ),
    queryParams: fc.constantFrom<object[]>({ beta: { exact: 'b' } }, { beta: { regex: 'b' } }),
  },
  { requiredKeys: [] },
);
const httpRoute = fc.record(
  {
    name: fc.string(),
    match: fc.array(httpMatch, { maxLength: 2 }),
    route: list,
    retries: fc.record({ attempts: fc.nat(5) }),
    redirect: fc.constant({ uri: '/b' }),
    delegate: fc.constant({ name: 'other' }),
    mirror: destination,
    mirrorPercentage: fc.constant({ value: 12.5 }),
    mirrorPercent: fc.constant(10),
    mirrors: fc.array(fc.record({ destination, percentage: fc.constant({ value: 1.5 }) }), { maxLength: 2 }),
    somethingNew: fc.constant({ deep: [1, null, 'x'] }),
  },
  { requiredKeys: [] },
);
const streamRoute = fc.record(
  { match: fc.constant([{ port: 5432 }]), route: list },
  { requiredKeys: ['route'] },
);
const annotations = fc.option(fc.constant({ 'example.com/owner': 'team' }), { nil: undefined });

export const arbitraryVirtualService: fc.Arbitrary<VirtualService> = fc
  .record({
    annotations,
    spec: fc.record(
      {
        hosts: fc.constant(['web']),
        gateways: fc.constantFrom(['mesh'], ['edge', 'mesh']),
        http: fc.array(httpRoute, { maxLength: 3 }),
        tcp: fc.array(streamRoute, { maxLength: 2 }),
        tls: fc.array(streamRoute, { maxLength: 2 }),
        exportTo: fc.constant(['.']),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ annotations: notes, spec }) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: {
      name: 'web',
      namespace: 'shop',
      labels: { a: 'b' },
      ...(notes === undefined ? {} : { annotations: notes }),
    },
    spec: spec as unknown as VirtualService['spec'],
  }));
