import { describe, expect, it } from 'vitest';
import type { HttpMatch, HttpRoute } from '../../lab/http-route.ts';
import type { DestinationRule, VirtualService } from '../../lab/mesh-objects.ts';
import { config, hostsOf, routesFor, rule, to, virtualService } from './mesh-fixtures.ts';

// Who sees which rule.

const WEB = 'web.shop.svc.cluster.local';
const cluster = (subset: string) => `outbound|80|${subset}|${WEB}`;

/** The subset that a client of the namespace is sent to. */
const subsetSeenFrom = (namespace: string, virtualServices: VirtualService[]): string | undefined => {
  const { cluster: name = '' } = hostsOf(config({ virtualServices }, { namespace }))[0]!.routes[0]!.route;
  return name.split('|')[2];
};

const routeTo = (
  subset: string,
  place: { namespace: string; created: string },
  exportTo?: string[],
): VirtualService =>
  virtualService(
    { hosts: [WEB], http: [{ route: [to(subset)] }], ...(exportTo === undefined ? {} : { exportTo }) },
    { name: subset, ...place },
  );

describe('a VirtualService', () => {
  const older = { namespace: 'shop', created: '2026-01-01' };
  const younger = { namespace: 'clients', created: '2026-01-02' };

  it('is for every namespace, the oldest first', () => {
    const all = [routeTo('theirs', younger), routeTo('ours', older)];
    expect(subsetSeenFrom('clients', all)).toBe('ours');
    expect(subsetSeenFrom('shop', all)).toBe('ours');
  });

  it('that is private comes first in its namespace, and is nothing elsewhere', () => {
    const all = [routeTo('ours', older), routeTo('theirs', younger, ['.'])];
    expect(subsetSeenFrom('clients', all)).toBe('theirs');
    expect(subsetSeenFrom('shop', all)).toBe('ours');
  });

  it('may be exported to namespaces by name, before those for all', () => {
    const all = [routeTo('ours', older), routeTo('theirs', younger, ['shop'])];
    expect(subsetSeenFrom('clients', all)).toBe('ours');
    expect(subsetSeenFrom('shop', all)).toBe('theirs');
  });
});

describe('a DestinationRule', () => {
  const subsetsSeenFrom = (
    namespace: string,
    destinationRules: DestinationRule[],
    labels = {},
  ): (string | undefined)[] =>
    [...config({ destinationRules }, { namespace, labels }).clusters.keys()]
      .map((name) => name.split('|')[2])
      .filter((name) => name !== '');
  const named = (name: string, more: Partial<DestinationRule['spec']> = {}, namespace = 'shop') =>
    rule({ host: WEB, subsets: [{ name }], ...more }, { name, namespace, created: `2026-01-01 ${name}` });

  it('of the client’s namespace comes before the Service’s, and that before the root’s', () => {
    const all = [
      named('root', {}, 'istio-system'),
      named('theirs', {}, 'clients'),
      named('ours', {}, 'shop'),
    ];
    expect(subsetsSeenFrom('clients', all)).toEqual(['theirs']);
    expect(subsetsSeenFrom('shop', all)).toEqual(['ours']);
    expect(subsetsSeenFrom('others', all)).toEqual(['ours']);
    expect(subsetsSeenFrom('others', all.slice(0, 2))).toEqual(['root']);
  });

  it('is only seen where it is exported to', () => {
    const all = [named('private', { exportTo: ['.'] })];
    expect(subsetsSeenFrom('shop', all)).toEqual(['private']);
    expect(subsetsSeenFrom('clients', all)).toEqual([]);
  });

  it('for the host itself replaces one for a wildcard', () => {
    const all = [named('a', { host: '*.shop.svc.cluster.local' }), named('b')];
    expect(subsetsSeenFrom('shop', all)).toEqual(['b']);
  });

  it('is merged with another for the same host, the first of two subsets of a name counting', () => {
    expect(subsetsSeenFrom('shop', [named('a'), named('b'), named('b')])).toEqual(['a', 'b']);
  });

  it('erases an older one that is exported elsewhere', () => {
    expect(subsetsSeenFrom('shop', [named('a'), named('b', { exportTo: ['*'] })])).toEqual(['b']);
  });

  it('for the client’s workload is taken, and by no other', () => {
    const all = [named('all'), named('own', { workloadSelector: { matchLabels: { app: 'x' } } })];
    expect(subsetsSeenFrom('shop', all, { app: 'x' })).toEqual(['own']);
    expect(subsetsSeenFrom('shop', all)).toEqual(['all']);
  });
});

describe('a delegate', () => {
  const seenWith = (root: HttpRoute, leaf: HttpRoute, exportTo: string[] = []) => {
    const virtualServices = [
      virtualService({ hosts: [WEB], http: [root, { route: [to('rest')] }] }),
      virtualService({ http: [leaf], exportTo }, { name: 'leaf', namespace: 'team' }),
    ];
    return routesFor([], { virtualServices });
  };
  const delegate = { name: 'leaf', namespace: 'team' };
  const route = [{ destination: { host: WEB, subset: 'leaf' } }];
  const targets = (root: HttpRoute, leaf: HttpRoute, exportTo?: string[]) =>
    seenWith(root, leaf, exportTo).map(({ route: action }) => action.cluster);

  it('stands in the place of the route that names it, within its match', () => {
    const root = { delegate, match: [{ uri: { prefix: '/a' } }] };
    const leaf = { route, match: [{ uri: { prefix: '/a/b' }, headers: { x: { exact: '1' } } }] };
    expect(targets(root, leaf)).toEqual([cluster('leaf'), cluster('rest')]);
    expect(seenWith(root, leaf)[0]).toMatchObject({ match: { prefix: '/a/b', headers: [{ name: 'x' }] } });
  });

  it('has what it does not say itself from the root', () => {
    const root = { delegate, timeout: '3s', retries: { attempts: 7 } };
    expect(seenWith(root, { route, timeout: '1s' })[0]!.route).toMatchObject({
      timeout: '1s',
      retry_policy: { num_retries: 7 },
    });
  });

  it('means its own namespace by a short host', () => {
    const leaf = { route: [{ destination: { host: 'web' } }] };
    expect(targets({ delegate }, leaf)[0]).toBe('outbound|80||web.team.svc.cluster.local');
  });

  const left: Record<string, { match?: HttpMatch; leaf?: HttpMatch; exportTo?: string[]; name?: string }> = {
    'where it reaches beyond the root': {
      match: { uri: { prefix: '/a' } },
      leaf: { uri: { prefix: '/b' } },
    },
    'where expressions can’t be compared': {
      match: { uri: { regex: '/a.*' } },
      leaf: { uri: { prefix: '/a/b' } },
    },
    'where the header differs': {
      match: { headers: { x: { exact: '1' } } },
      leaf: { headers: { x: { exact: '2' } } },
    },
    'when it is not exported to the root': { exportTo: ['.'] },
    'when there is none': { name: 'nobody' },
  };
  it.each(Object.entries(left))('is left out %s', (_name, { match, leaf, exportTo, name = 'leaf' }) => {
    const root = { delegate: { ...delegate, name }, ...(match === undefined ? {} : { match: [match] }) };
    const inner = { route, ...(leaf === undefined ? {} : { match: [leaf] }) };
    expect(targets(root, inner, exportTo)).toEqual([cluster('rest')]);
  });
});
