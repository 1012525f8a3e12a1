import { describe, expect, it } from 'vitest';
import { obstacleTo } from '../../../src/core/istio/obstacles.ts';
import type { RouteView } from '../../../src/core/istio/route-view.ts';
import { withEntry } from '../../../src/core/split-object.ts';
import { destinationRule, HOST, serviceOf, to, viewOf, virtualService } from './route-objects.ts';

const front = { name: 'front', namespace: 'edge' };
const root = { name: 'all', namespace: 'istio-system' };
const elsewhere = (objects: Partial<RouteView['elsewhere']>): Partial<RouteView> => ({
  elsewhere: { virtualServices: [], destinationRules: [], ...objects },
});

describe('in the way of a split by subsets', () => {
  const cases: Record<string, { view: Partial<RouteView>; expect: string | undefined }> = {
    'is nothing without any object': { view: {}, expect: undefined },
    "is nothing with the user's own": {
      view: {
        virtualServices: [virtualService({ http: to('web') })],
        destinationRules: [destinationRule({})],
      },
      expect: undefined,
    },
    'is a route of another namespace to the host': {
      view: elsewhere({
        virtualServices: [virtualService({ hosts: ['shop.example'], http: to(HOST) }, front)],
      }),
      expect: 'ForeignRoute: VirtualService edge/front routes past the split',
    },
    'is a mirror of another namespace to it': {
      view: elsewhere({
        virtualServices: [virtualService({ http: [{ ...to('front')[0], mirror: { host: HOST } }] }, front)],
      }),
      expect: 'ForeignRoute: VirtualService edge/front routes past the split',
    },
    'is a delegate of another namespace that leads to it': {
      view: elsewhere({ virtualServices: [virtualService({ hosts: [], http: to(HOST) }, front)] }),
      expect: 'ForeignRoute: VirtualService edge/front routes past the split',
    },
    'is no route of another namespace to its own Service of the same name': {
      view: elsewhere({ virtualServices: [virtualService({ http: to('web') }, front)] }),
      expect: undefined,
    },
    'is no route of another namespace that delegates to this one': {
      view: {
        virtualServices: [virtualService({ hosts: [], http: to('web') })],
        ...elsewhere({
          virtualServices: [
            virtualService(
              { hosts: [HOST], http: [{ delegate: { name: 'web', namespace: 'shop' } }] },
              front,
            ),
          ],
        }),
      },
      expect: undefined,
    },
    'is a rule that clients of another namespace obey': {
      view: elsewhere({ destinationRules: [destinationRule({ host: HOST }, front)] }),
      expect: 'ForeignRoute: clients in edge obey DestinationRule edge/front alone',
    },
    'is such a wildcard': {
      view: elsewhere({ destinationRules: [destinationRule({ host: '*.local' }, front)] }),
      expect: 'ForeignRoute: clients in edge obey DestinationRule edge/front alone',
    },
    'is no wildcard that leaves the host out': {
      view: elsewhere({ destinationRules: [destinationRule({ host: '*.example.com' }, front)] }),
      expect: undefined,
    },
    'is no rule of the root namespace, which comes last': {
      view: elsewhere({ destinationRules: [destinationRule({ host: '*.local' }, root)] }),
      expect: undefined,
    },
    'is a rule of the root namespace for its own clients': {
      view: elsewhere({ destinationRules: [destinationRule({ host: '*.local', exportTo: ['.'] }, root)] }),
      expect: 'ForeignRoute: clients in istio-system obey DestinationRule istio-system/all alone',
    },
    'is a rule for some workloads': {
      view: { destinationRules: [destinationRule({ workloadSelector: { matchLabels: { app: 'front' } } })] },
      expect: 'ForeignRoute: DestinationRule shop/web has a workloadSelector: its clients know no subsets',
    },
    'is a wildcard rule for some workloads': {
      view: {
        destinationRules: [destinationRule({ host: '*.shop.svc.cluster.local', workloadSelector: {} })],
      },
      expect: 'ForeignRoute: DestinationRule shop/web has a workloadSelector: its clients know no subsets',
    },
    'is a route that is seen further than the subsets': {
      view: {
        virtualServices: [virtualService({ http: to('web'), exportTo: ['.', 'edge'] })],
        destinationRules: [destinationRule({ exportTo: ['.'] })],
      },
      expect:
        'ForeignRoute: VirtualService shop/web is exported to namespaces that the DestinationRule of web is not',
    },
    'is no route that is seen by the same': {
      view: {
        virtualServices: [virtualService({ http: to('web'), exportTo: ['shop'] })],
        destinationRules: [destinationRule({ exportTo: ['.'] })],
      },
      expect: undefined,
    },
    'is no route when two rules together are seen as far': {
      view: {
        virtualServices: [virtualService({ http: to('web'), exportTo: ['.', 'edge'] })],
        destinationRules: [
          destinationRule({ exportTo: ['.'] }),
          destinationRule({ host: HOST, exportTo: ['edge'] }, { name: 'more' }),
        ],
      },
      expect: undefined,
    },
    'is a wildcard that only some see, and that a route for the host would put out of effect': {
      view: { virtualServices: [virtualService({ hosts: ['*.local'], http: to('api'), exportTo: ['.'] })] },
      expect: 'ForeignRoute: VirtualService shop/web is in effect for some namespaces only',
    },
    'is that every Service is headless': {
      view: { services: [serviceOf('web', { clusterIP: 'None' })] },
      expect: 'HeadlessService: no Service has a cluster address: callers choose pods themselves',
    },
    'is no headless Service beside another': {
      view: { services: [serviceOf('web'), serviceOf('pods', { clusterIP: 'None' })] },
      expect: undefined,
    },
    'is that all requests are sent elsewhere': {
      view: { virtualServices: [virtualService({ http: to('sink') })] },
      expect: 'UnroutedService: no route that proxies obey leads to web',
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { view, expect: expected }) => {
    const found = obstacleTo(viewOf(view));
    expect(found && `${found.reason}: ${found.message}`).toBe(expected);
  });

  it("is nothing of Kanari's own", () => {
    const labels = { 'app.kubernetes.io/managed-by': 'kanari' };
    const own = virtualService({ hosts: [HOST], http: to(HOST) }, { name: 'web-kanari', labels });
    const split = withEntry(own, 'web', { services: ['web'], weight: 20 });
    expect(obstacleTo(viewOf({ virtualServices: [split] }))).toBeUndefined();
  });
});
