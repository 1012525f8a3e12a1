import { readFile } from 'node:fs/promises';
import { createLabApi } from '../../lab/api.ts';
import type { Lab } from '../../lab/lab.ts';
import type { JsonObject } from '../../src/core/objects.ts';
import type { Share } from '../../src/core/share.ts';
import { formatSplits, type SplitEntry } from '../../src/core/split-annotation.ts';
import { withEntry } from '../../src/core/split-object.ts';
import { ownedEntries } from '../../src/kube/ownership.ts';
import type { RouteObject } from './route-object.ts';

// One object of every kind that carries a split, as its user keeps it in Git, and Kanari's word about the split.

export interface RouteKind {
  kind: string;
  /** Of the kind's objects in a namespace, on the API server. */
  collectionIn: (namespace: string) => string;
  manifest: RouteObject;
  /** What the user changes while the split stands. */
  edit: (spec: JsonObject) => JsonObject;
}

const collectionOf =
  (root: string, plural: string) =>
  (namespace: string): string =>
    `/${root}/namespaces/${namespace}/${plural}`;

const gatewayRoute = (kind: string, plural: string): RouteKind => {
  const rules = (...weights: [number, number]): JsonObject[] => [
    {
      filters: [
        { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-a', value: 'b' }] } },
      ],
      backendRefs: [
        { group: '', kind: 'Service', name: 'web', port: 80, weight: weights[0] },
        { group: '', kind: 'Service', name: 'db', port: 80, weight: weights[1] },
      ],
    },
    { backendRefs: [{ group: '', kind: 'Service', name: 'web', port: 80, weight: 1 }] },
  ];
  return {
    kind,
    collectionIn: collectionOf('apis/gateway.networking.k8s.io/v1', plural),
    manifest: {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind,
      metadata: { name: 'web', labels: { team: 'shop' } },
      spec: { parentRefs: [{ name: 'edge' }], hostnames: ['shop.example'], rules: rules(33, 67) },
    },
    edit: (spec) => {
      const matched = (spec['rules'] as JsonObject[])[0]?.['matches'];
      const edited = rules(40, 60).map((rule) =>
        matched === undefined ? rule : { ...rule, matches: matched },
      );
      return { ...spec, hostnames: ['shop.example', 'www.shop.example'], rules: edited };
    },
  };
};

export const ROUTE_KINDS: readonly RouteKind[] = [
  {
    kind: 'VirtualService',
    collectionIn: collectionOf('apis/networking.istio.io/v1', 'virtualservices'),
    manifest: {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'web', labels: { team: 'shop' } },
      spec: {
        hosts: ['web'],
        http: [
          {
            match: [{ uri: { prefix: '/a' } }],
            route: [
              { destination: { host: 'web' }, weight: 33 },
              { destination: { host: 'db' }, weight: 67 },
            ],
          },
          { route: [{ destination: { host: 'web' } }] },
        ],
      },
    },
    edit: (spec) => ({
      ...spec,
      http: [{ retries: { attempts: 7 }, route: [{ destination: { host: 'web' } }] }],
    }),
  },
  {
    kind: 'DestinationRule',
    collectionIn: collectionOf('apis/networking.istio.io/v1', 'destinationrules'),
    manifest: {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'web', labels: { team: 'shop' } },
      spec: { host: 'web', subsets: [{ name: 'v1', labels: { app: 'web' } }] },
    },
    edit: (spec) => ({ ...spec, trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } }),
  },
  gatewayRoute('HTTPRoute', 'httproutes'),
  gatewayRoute('GRPCRoute', 'grpcroutes'),
  {
    kind: 'Service',
    collectionIn: collectionOf('api/v1', 'services'),
    manifest: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', labels: { team: 'shop' } },
      spec: {
        selector: { app: 'web' },
        ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
      },
    },
    edit: (spec) => ({ ...spec, selector: { app: 'web', tier: 'front' } }),
  },
];

/** A share, or a weight that is all of it. */
export type Asked = Share | number;

/** What Kanari asks for while a run stands at the share. */
export const entryAt = (asked: Asked): SplitEntry => ({
  services: ['web'],
  ...(typeof asked === 'number' ? { weight: asked } : asked),
});

/** The user's object as it is to be stored while the split stands. */
export const splitAt = (user: RouteObject, asked: Asked): RouteObject =>
  withEntry(user, 'web', entryAt(asked));

/** Writes the annotation as Kanari's route writer does: by its user, with its field manager. Undefined: removes it. */
export type Ask = (kind: RouteKind, namespace: string, asked: Asked | undefined) => Promise<RouteObject>;

export const askAsKanari = async ({ kanariKubeconfig, url, ca }: Lab): Promise<Ask> => {
  const config = JSON.parse(await readFile(kanariKubeconfig, 'utf8')) as {
    users: [{ user: { token: string } }];
  };
  const api = createLabApi({ url, ca, token: config.users[0].user.token });
  return async ({ collectionIn }, namespace, asked) => {
    const path = `${collectionIn(namespace)}/web?fieldManager=kanari`;
    const split = asked === undefined ? null : formatSplits({ web: entryAt(asked) });
    const body = { metadata: { annotations: { 'kanari.dev/split': split } } };
    const written = await api.request<RouteObject>('PATCH', path, body);
    const owned = ownedEntries(written);
    if (asked !== undefined || owned.length === 0) return written;
    const removals = owned.map((index) => ({ op: 'remove', path: `/metadata/managedFields/${index}` }));
    return api.request('PATCH', path, removals, 'application/json-patch+json');
  };
};
