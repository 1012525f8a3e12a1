import { describe, expect, it } from 'vitest';
import type { GatewayRoute } from '../../src/core/gateway-api/route.ts';
import type { DestinationRule } from '../../src/core/istio/destination-rule.ts';
import type { VirtualService } from '../../src/core/istio/virtual-service.ts';
import type { StringMap } from '../../src/core/objects.ts';
import {
  type ProviderQuestion,
  type RoutedProvider,
  selectProvider,
} from '../../src/traffic/select-router.ts';

const apiVersion = 'networking.istio.io/v1';
const metadata = { name: 'x', namespace: 'shop' };
const namespace = (labels: StringMap) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels },
});
const virtualService = (spec: VirtualService['spec']): VirtualService => ({
  apiVersion,
  kind: 'VirtualService',
  metadata,
  spec,
});
const rule = (host: string): DestinationRule => ({
  apiVersion,
  kind: 'DestinationRule',
  metadata,
  spec: { host },
});

const gatewayRoute = (name: string): GatewayRoute => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'GRPCRoute',
  metadata,
  spec: { rules: [{ backendRefs: [{ name, port: 80 }] }] },
});

describe('the provider', () => {
  const cases: Record<string, { question: Partial<ProviderQuestion>; expect: RoutedProvider }> = {
    'is what the setting says': {
      question: { setting: 'none', namespace: namespace({ 'istio-injection': 'enabled' }) },
      expect: 'none',
    },
    'is none without a Service': { question: { services: [] }, expect: 'none' },
    'is replicas without a mesh': { question: {}, expect: 'replicas' },
    'is Istio where it injects': {
      question: { namespace: namespace({ 'istio-injection': 'enabled' }) },
      expect: 'istio',
    },
    'is Istio where a revision injects': {
      question: { namespace: namespace({ 'istio.io/rev': '1-29' }) },
      expect: 'istio',
    },
    'is not Istio where injection is off': {
      question: { namespace: namespace({ 'istio-injection': 'disabled' }) },
      expect: 'replicas',
    },
    'is Istio where a VirtualService has the host': {
      question: { virtualServices: [virtualService({ hosts: ['web.shop'] })] },
      expect: 'istio',
    },
    'is Istio where a VirtualService routes to the host': {
      question: {
        virtualServices: [
          virtualService({ gateways: ['g'], http: [{ route: [{ destination: { host: 'web' } }] }] }),
        ],
      },
      expect: 'istio',
    },
    'is Istio where a DestinationRule names the host': {
      question: { destinationRules: [rule('web.shop.svc.cluster.local')] },
      expect: 'istio',
    },
    'is replicas where Istio knows other hosts only': {
      question: { destinationRules: [rule('db')], virtualServices: [virtualService({ hosts: ['db'] })] },
      expect: 'replicas',
    },
    'is the Gateway API where a route refers to the Service': {
      question: {
        gatewayRoutes: [gatewayRoute('web')],
        namespace: namespace({ 'istio-injection': 'enabled' }),
      },
      expect: 'gateway-api',
    },
    'is not the Gateway API where routes refer to others': {
      question: { gatewayRoutes: [gatewayRoute('db')] },
      expect: 'replicas',
    },
    'is the Gateway API before there is a route, when the setting says so': {
      question: { setting: 'gateway-api' },
      expect: 'gateway-api',
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { question, expect: expected }) => {
    const asked: ProviderQuestion = {
      setting: 'auto',
      namespace: namespace({}),
      services: ['web'],
      virtualServices: [],
      destinationRules: [],
      gatewayRoutes: [],
      ...question,
    };
    expect(selectProvider(asked)).toBe(expected);
  });
});
