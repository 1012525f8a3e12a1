import { describe, expect, it } from 'vitest';
import type { VirtualService } from '../../lab/mesh-objects.ts';
import { config, hostsOf, service, to, virtualService } from './mesh-fixtures.ts';

const services = [
  service('web', [
    { name: 'http', port: 80 },
    { name: 'tcp-db', port: 5432 },
    { name: 'secure', port: 443, appProtocol: 'tls' },
  ]),
];

interface Listener {
  name: string;
  filter_chains: {
    filter_chain_match?: { server_names: string[] };
    filters: { typed_config: { cluster?: string; weighted_clusters?: { clusters: unknown } } }[];
  }[];
}

const listenersFor = (...specs: Omit<VirtualService['spec'], 'hosts'>[]): Listener[] => {
  const virtualServices = specs.map((spec, age) =>
    virtualService({ hosts: ['web'], ...spec }, { name: `vs-${age}` }),
  );
  return config({ services, virtualServices }).listeners as unknown as Listener[];
};

const chainsOf = (listener: Listener | undefined) =>
  listener?.filter_chains.map(({ filter_chain_match, filters }) => ({
    names: filter_chain_match?.server_names,
    to: filters[0]?.typed_config.cluster ?? filters[0]?.typed_config.weighted_clusters?.clusters,
  }));

const cluster = (port: number, subset = '') => `outbound|${port}|${subset}|web.shop.svc.cluster.local`;

describe('ports that do not speak HTTP', () => {
  it('have a listener each, and no virtual host', () => {
    expect(listenersFor().map(({ name }) => name)).toEqual([
      'web.shop.svc.cluster.local_5432',
      'web.shop.svc.cluster.local_443',
    ]);
    expect(hostsOf(config({ services })).map(({ domains }) => domains[1])).toEqual([
      'web.shop.svc.cluster.local:80',
    ]);
  });

  it('lead to the Service where no route concerns them', () => {
    const [tcp, tls] = listenersFor({ tcp: [{ match: [{ port: 9 }], route: [to('x')] }] });
    expect(chainsOf(tcp)).toEqual([{ names: undefined, to: cluster(5432) }]);
    expect(chainsOf(tls)).toEqual([{ names: undefined, to: cluster(443) }]);
  });
});

describe('tcp routes', () => {
  it('share connections by weight', () => {
    const [tcp] = listenersFor({ tcp: [{ route: [to('a', 80), to('b', 20), to('c', 0)] }] });
    const clusters = [
      { name: cluster(5432, 'a'), weight: 80 },
      { name: cluster(5432, 'b'), weight: 20 },
    ];
    expect(chainsOf(tcp)).toEqual([{ names: undefined, to: clusters }]);
  });

  it('count by the first that concerns the port', () => {
    const [tcp] = listenersFor({
      tcp: [
        { match: [{ port: 9 }], route: [to('a')] },
        { match: [{ port: 5432 }], route: [to('b')] },
        { route: [to('c')] },
      ],
    });
    expect(chainsOf(tcp)).toEqual([{ names: undefined, to: cluster(5432, 'b') }]);
  });

  it('are not for encrypted ports, nor tls routes for plain ones', () => {
    const [tcp, tls] = listenersFor({
      tcp: [{ match: [{ port: 443 }], route: [to('a')] }],
      tls: [{ match: [{ port: 5432, sniHosts: ['x'] }], route: [to('b')] }],
    });
    expect(chainsOf(tcp)).toEqual([{ names: undefined, to: cluster(5432) }]);
    expect(chainsOf(tls)).toEqual([{ names: undefined, to: cluster(443) }]);
  });
});

describe('tls routes', () => {
  it('share connections by the name in clear, and refuse other names', () => {
    const match = [{ sniHosts: ['web', '*.example.com'] }];
    const [, tls] = listenersFor({ tls: [{ match, route: [to('a', 90), to('b', 10)] }] });
    const clusters = [
      { name: cluster(443, 'a'), weight: 90 },
      { name: cluster(443, 'b'), weight: 10 },
    ];
    expect(chainsOf(tls)).toEqual([{ names: ['web', '*.example.com'], to: clusters }]);
  });

  it('have each name once: the first route takes it', () => {
    const routes = ['a', 'b'].map((subset) => ({ match: [{ sniHosts: ['web'] }], route: [to(subset)] }));
    const [, tls] = listenersFor({ tls: routes });
    expect(chainsOf(tls)).toEqual([{ names: ['web'], to: cluster(443, 'a') }]);
  });
});
