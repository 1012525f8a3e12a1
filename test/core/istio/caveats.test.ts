import { describe, expect, it } from 'vitest';
import { caveatsOf } from '../../../src/core/istio/caveats.ts';
import type { RouteView } from '../../../src/core/istio/route-view.ts';
import { destinationRule, HOST, serviceOf, viewOf, virtualService } from './route-objects.ts';

const tls = serviceOf('web', { ports: [{ name: 'https', port: 443 }] });
const toSubset = (subset: string): object => [{ route: [{ destination: { host: 'web', subset } }] }];
const versions = destinationRule({
  subsets: [
    { name: 'v1', labels: { version: 'v1' } },
    { name: 'v2', labels: { version: 'v2' } },
  ],
});

describe('beside the split', () => {
  const cases: Record<string, { view: Partial<RouteView>; expect: string[] }> = {
    'is usually nothing': { view: {}, expect: [] },
    'is what goes to a headless Service': {
      view: { services: [serviceOf('web'), serviceOf('pods', { clusterIP: 'None' })] },
      expect: ['HeadlessService'],
    },
    'is a TLS port that no route divides': { view: { services: [tls] }, expect: ['UnroutedPort'] },
    'is none with a tls route for the port': {
      view: {
        services: [tls],
        virtualServices: [virtualService({ tls: [{ match: [{ port: 443, sniHosts: [HOST] }] }] })],
      },
      expect: [],
    },
    'is one with a tls route for another port, or another host': {
      view: {
        services: [tls],
        virtualServices: [
          virtualService({ tls: [{ match: [{ port: 444, sniHosts: [HOST] }] }] }),
          virtualService({ hosts: ['api'], tls: [{ match: [{ sniHosts: [HOST] }] }] }, { name: 'api' }),
        ],
      },
      expect: ['UnroutedPort'],
    },
    "is a subset that the canary's pods are not in": {
      view: {
        podLabels: { version: 'v2' },
        virtualServices: [virtualService({ http: toSubset('v1'), tcp: toSubset('v2') })],
        destinationRules: [versions],
      },
      expect: ['SubsetWithoutCanary'],
    },
    'is a subset whose name means other pods in the rule of another Service': {
      view: {
        services: [serviceOf('web'), serviceOf('api')],
        podLabels: { version: 'v1' },
        virtualServices: [virtualService({ http: toSubset('v1') })],
        destinationRules: [
          versions,
          destinationRule({ host: 'api', subsets: [{ name: 'v1', labels: { tier: 'x' } }] }, { name: 'api' }),
        ],
      },
      expect: ['SubsetWithoutCanary'],
    },
    'is no subset while their labels are unknown': {
      view: { virtualServices: [virtualService({ http: toSubset('v1') })], destinationRules: [versions] },
      expect: [],
    },
    'are callers who do not see the rule': {
      view: { destinationRules: [destinationRule({ exportTo: ['.'] })] },
      expect: ['NarrowExport'],
    },
  };
  it.each(Object.entries(cases))('%s', (_name, { view, expect: expected }) => {
    expect(caveatsOf(viewOf(view)).map(({ reason }) => reason)).toEqual(expected);
  });

  it('is said which traffic, and what becomes of it', () => {
    expect(caveatsOf(viewOf({ services: [tls] }))).toEqual([
      {
        reason: 'UnroutedPort',
        message: 'port 443 of web carries TLS without a tls route: its share follows from the number of pods',
      },
    ]);
  });
});
