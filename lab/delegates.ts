import type { HttpMatch, HttpRoute, StringMatch } from './http-route.ts';
import type { VirtualService } from './mesh-objects.ts';
import { isVisible } from './rule-visibility.ts';

// VirtualServices that leave routes to others, made whole as istiod does it.

/** Those that have hosts, each with its delegates' routes in the place of its own; a delegate that is missing leaves none. */
export const withDelegates = (all: readonly VirtualService[]): VirtualService[] => {
  const delegates = new Map(
    all.filter(({ spec }) => (spec.hosts ?? []).length === 0).map((one) => [keyOf(one), one]),
  );
  return all
    .filter(({ spec }) => (spec.hosts ?? []).length > 0)
    .map((root) => {
      if (root.spec.http?.some(({ delegate }) => delegate !== undefined) !== true) return root;
      const http = root.spec.http.flatMap((route) => resolved(route, root, delegates));
      return { ...root, spec: { ...root.spec, http } };
    });
};

const keyOf = ({ metadata }: VirtualService): string => `${metadata.namespace ?? 'default'}/${metadata.name}`;

const resolved = (
  route: HttpRoute,
  root: VirtualService,
  delegates: ReadonlyMap<string, VirtualService>,
): HttpRoute[] => {
  if (route.delegate === undefined) return [route];
  const home = root.metadata.namespace ?? 'default';
  const { name, namespace = home } = route.delegate;
  const delegate = delegates.get(`${namespace}/${name}`);
  if (delegate === undefined || !isVisible(delegate.spec.exportTo, namespace, home)) return [];
  return (delegate.spec.http ?? []).flatMap((leaf) => {
    const match = mergedMatches(route.match ?? [], leaf.match ?? []);
    return match === undefined ? [] : [{ ...inherited(route), ...qualified(leaf, namespace), match }];
  });
};

// What a delegate's route does not say itself, it has from the root's.
const inherited = ({ delegate: _, match: __, route: ___, ...rest }: HttpRoute): HttpRoute => rest;

// The merged route stands in the root's namespace, where a short name would mean another Service.
const qualified = (route: HttpRoute, namespace: string): HttpRoute => {
  const inFull = <T extends { host: string }>(to: T): T =>
    to.host.includes('.') ? to : { ...to, host: `${to.host}.${namespace}` };
  return {
    ...route,
    ...(route.route === undefined
      ? {}
      : { route: route.route.map((one) => ({ ...one, destination: inFull(one.destination) })) }),
    ...(route.mirror === undefined ? {} : { mirror: inFull(route.mirror) }),
    ...(route.mirrors === undefined
      ? {}
      : { mirrors: route.mirrors.map((one) => ({ ...one, destination: inFull(one.destination) })) }),
  };
};

/** Undefined: a match of the delegate's goes beyond all of the root's, and its route is left out. Empty: everything. */
const mergedMatches = (root: readonly HttpMatch[], leaf: readonly HttpMatch[]): HttpMatch[] | undefined => {
  if (root.length === 0) return [...leaf];
  if (leaf.length === 0) return [...root];
  const merged = leaf.map((one) =>
    root.filter((other) => !conflicts(other, one)).map((other) => both(other, one)),
  );
  return merged.some((list) => list.length === 0) ? undefined : merged.flat();
};

const both = (root: HttpMatch, leaf: HttpMatch): HttpMatch => ({
  ...root,
  ...leaf,
  ...mapsOf(root, leaf, 'headers'),
  ...mapsOf(root, leaf, 'withoutHeaders'),
  ...mapsOf(root, leaf, 'queryParams'),
});

type MapField = 'headers' | 'withoutHeaders' | 'queryParams';

const mapsOf = (root: HttpMatch, leaf: HttpMatch, field: MapField): Partial<HttpMatch> =>
  root[field] === undefined && leaf[field] === undefined
    ? {}
    : { [field]: { ...root[field], ...leaf[field] } };

const conflicts = (root: HttpMatch, leaf: HttpMatch): boolean =>
  (['uri', 'scheme', 'method', 'authority'] as const).some((field) => exceeds(root[field], leaf[field])) ||
  (['headers', 'queryParams'] as const).some((field) =>
    Object.entries(leaf[field] ?? {}).some(([name, value]) => exceeds(root[field]?.[name], value)),
  ) ||
  (root.ignoreUriCase === true) !== (leaf.ignoreUriCase === true) ||
  (root.port !== undefined && leaf.port !== undefined && root.port !== leaf.port);

/** Whether the leaf's match reaches beyond the root's. Regular expressions can't be compared. */
const exceeds = (root: StringMatch | undefined, leaf: StringMatch | undefined): boolean => {
  if (root === undefined || leaf === undefined) return false;
  if (root.regex !== undefined || leaf.regex !== undefined) return true;
  if (root.exact !== undefined) return leaf.exact !== root.exact;
  return !(leaf.exact ?? leaf.prefix ?? '').startsWith(root.prefix ?? '');
};
