import { describe, expect, it } from 'vitest';
import { uncoveredOf } from '../../../src/core/istio/mesh-cover.ts';
import type { VirtualService } from '../../../src/core/istio/virtual-service.ts';
import { HOST, serviceOf, to, virtualService } from './route-objects.ts';

const http = { name: 'http', port: 80 };
const redis = { name: 'redis', port: 6379 };
const scopeOf = (virtualServices: VirtualService[], ports = [http], clusterIP = '10.96.0.7') => ({
  service: serviceOf('web', { ports, clusterIP }),
  namespace: 'shop',
  virtualServices,
});
const plain = { http: to(HOST), tcp: [] };
const stream = {
  match: [{ port: 6379 }],
  route: [{ destination: { host: HOST, port: { number: 6379 } } }],
};

describe('what VirtualServices leave uncovered', () => {
  const cases: Record<string, { scope: ReturnType<typeof scopeOf>; expect: object | undefined }> = {
    'is all without any': { scope: scopeOf([], [http, redis]), expect: { http: to(HOST), tcp: [stream] } },
    'is nothing with one for the host': {
      scope: scopeOf([virtualService({ http: to('web') })]),
      expect: undefined,
    },
    'is nothing with one for the host in full': {
      scope: scopeOf([virtualService({ hosts: [HOST], http: to('web') })]),
      expect: undefined,
    },
    'is all with one for what Istio takes for another host': {
      scope: scopeOf([virtualService({ hosts: ['web.shop'], http: to('web') })]),
      expect: plain,
    },
    'is all with one for gateways only': {
      scope: scopeOf([virtualService({ gateways: ['edge'], http: to('web') })]),
      expect: plain,
    },
    'is HTTP with one for TCP only': {
      scope: scopeOf([virtualService({ tcp: to('web') })], [http, redis]),
      expect: plain,
    },
    'is TCP with one for HTTP only': {
      scope: scopeOf([virtualService({ http: to('web') })], [http, redis]),
      expect: { http: [], tcp: [stream] },
    },
    'is TCP that only some clients have a route for': {
      scope: scopeOf(
        [
          virtualService({
            http: to('web'),
            tcp: [{ match: [{ sourceLabels: { app: 'front' } }, { gateways: ['edge'] }] }],
          }),
        ],
        [http, redis],
      ),
      expect: { http: [], tcp: [stream] },
    },
    'is nothing of a port that a route takes whole': {
      scope: scopeOf(
        [
          virtualService({
            http: to('web'),
            tcp: [{ match: [{ port: 80 }, { port: 6379, gateways: ['mesh'] }] }],
          }),
        ],
        [http, redis],
      ),
      expect: undefined,
    },
    'has no HTTP where no port carries any': {
      scope: scopeOf([], [redis]),
      expect: { http: [], tcp: [stream] },
    },
    'is what other namespaces send, with one that is for its own only': {
      scope: scopeOf([virtualService({ exportTo: ['.'], http: to('web') })]),
      expect: plain,
    },
    "is nothing with a wildcard of the namespace's own": {
      scope: scopeOf([virtualService({ hosts: ['*.shop.svc.cluster.local'], http: to('web') })]),
      expect: undefined,
    },
    "takes the wildcard's HTTP along when TCP is uncovered": {
      scope: scopeOf(
        [virtualService({ hosts: ['*.shop.svc.cluster.local'], http: to('api') })],
        [http, redis],
      ),
      expect: { http: to('api.shop.svc.cluster.local'), tcp: [stream] },
    },
    'takes the longest wildcard along, and of equal ones the oldest': {
      scope: scopeOf([
        virtualService({ hosts: ['*.local'], http: to('a.b') }, { namespace: 'ops', name: 'a' }),
        virtualService({ hosts: ['*.cluster.local'], http: to('c.d') }, { namespace: 'ops', name: 'c' }),
        virtualService({ hosts: ['*.cluster.local'], http: to('e.f') }, { namespace: 'ops', name: 'b' }),
        virtualService({ hosts: ['*.other.svc.cluster.local'], http: to('g.h') }, { namespace: 'ops' }),
      ]),
      expect: { http: to('e.f'), tcp: [] },
    },
    'is nothing of a headless Service: no proxy would obey': {
      scope: scopeOf([], [http, redis], 'None'),
      expect: undefined,
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { scope, expect: expected }) => {
    expect(uncoveredOf(scope)).toEqual(expected);
  });
});
