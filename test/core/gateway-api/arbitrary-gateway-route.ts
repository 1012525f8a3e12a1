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
    filters: fc.constantFrom<object[][]>(
      [{ type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['x-a'] } }],
      [
        {
          type: 'ResponseHeaderModifier',
          responseHeaderModifier: { add: [], set: [{ name: 'a', value: 'b' }] },
        },
      ],
      [
        {
          type: 'ResponseHeaderModifier',
          responseHeaderModifier: { add: [{ name: 'set-cookie', value: 'a=b' }] },
        },
      ],
      [],
    ),
    somethingNew: fc.constant({ deep: [1, null, 'x'] }),
  },
  { requiredKeys: ['name'] },
);
const path = fc.constantFrom<object[]>(
  { type: 'PathPrefix', value: '/' },
  { type: 'PathPrefix', value: '/a' },
  { value: '/a/' },
  { type: 'Exact', value: '/a' },
);
const match = fc.record(
  {
    path,
    headers: fc.constantFrom<object[][]>(
      [{ type: 'Exact', name: 'x-other', value: 'b' }],
      [
        { name: 'X-Other', value: 'beta' },
        { type: 'RegularExpression', name: 'x-third', value: '.*' },
      ],
      [{ type: 'Exact', name: 'x-group', value: 'a' }],
    ),
    queryParams: fc.constantFrom<object[][]>([{ type: 'Exact', name: 'other', value: 'b' }]),
  },
  { requiredKeys: [] },
);
const rule = fc.record(
  {
    name: fc.string(),
    matches: fc.array(match, { maxLength: 2 }),
    filters: fc.constantFrom<object[][]>(
      [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'db', port: 80 } } }],
      [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } }],
      [],
    ),
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
