import fc from 'fast-check';
import type { GatewayRoute } from '../../../src/core/gateway-api/route.ts';

// HTTPRoutes and GRPCRoutes as users write them: several rules, references of every kind, fields Kanari never heard of.

const ours = fc.constantFrom('web', 'api');
const foreign = fc.constantFrom('db', 'webby', 'constructor', 'web-canary');
const backendRef = fc.record(
  {
    name: fc.oneof({ weight: 8, arbitrary: ours }, { weight: 1, arbitrary: foreign }),
    group: fc.constantFrom('', 'example.com'),
    kind: fc.constantFrom('Service', 'Service', 'Bucket'),
    namespace: fc.constantFrom('shop', 'shop', 'other'),
    port: fc.constantFrom(80, 8080),
    weight: fc.constantFrom(0, 1, 3, 33, 50, 100, 300, 9_999, 1_000_000),
    filters: fc.constant([{ type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['x-a'] } }]),
    somethingNew: fc.constant({ deep: [1, null, 'x'] }),
  },
  { requiredKeys: ['name'] },
);
const rule = fc.record(
  {
    name: fc.string(),
    matches: fc.constant([{ path: { type: 'PathPrefix', value: '/a' } }]),
    backendRefs: fc.oneof(
      { weight: 4, arbitrary: fc.array(backendRef, { maxLength: 2 }) },
      { weight: 1, arbitrary: fc.array(backendRef, { maxLength: 10 }) },
    ),
    timeouts: fc.constant({ request: '5s' }),
  },
  { requiredKeys: [] },
);
const annotations = fc.option(fc.constant({ 'example.com/owner': 'team' }), { nil: undefined });

export const arbitraryGatewayRoute: fc.Arbitrary<GatewayRoute> = fc
  .record({
    kind: fc.constantFrom('HTTPRoute', 'GRPCRoute'),
    annotations,
    spec: fc.record(
      { hostnames: fc.constant(['shop.example']), rules: fc.array(rule, { maxLength: 4 }) },
      { requiredKeys: [] },
    ),
  })
  .map(({ kind, annotations: notes, spec }) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: {
      name: 'web',
      namespace: 'shop',
      ...(notes === undefined ? {} : { annotations: notes }),
    },
    spec: spec as unknown as GatewayRoute['spec'],
  }));
