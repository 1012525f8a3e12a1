import type { KubeObject } from '../../src/core/objects.ts';
import type { Canary } from '../../src/core/snapshot.ts';
import type { Reader, Writer } from '../../src/kube/api.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { ObjectRef } from '../../src/kube/resources.ts';
import { createStore, type WritableStore } from '../../src/kube/store.ts';
import type { Stores } from '../../src/scheduler/stores.ts';

// The scheduler's side of a cluster, in memory: stores to fill, and a writer that notes what it is asked for.

export const quietLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const KINDS = [
  'namespaces',
  'deployments',
  'replicaSets',
  'pods',
  'services',
  'endpointSlices',
  'controllerRevisions',
  'disruptionBudgets',
  'canaries',
  'canaryPolicies',
  'virtualServices',
  'destinationRules',
  'httpRoutes',
  'grpcRoutes',
] as const;

export type FilledStores = Stores & { fill(kind: (typeof KINDS)[number], ...objects: KubeObject[]): void };

export const createStores = (): FilledStores => {
  const stores = Object.fromEntries(KINDS.map((kind) => [kind, createStore({ log: quietLog })])) as Record<
    string,
    WritableStore
  >;
  for (const store of Object.values(stores)) store.replace([]);
  return {
    ...(stores as unknown as Stores),
    fill: (kind, ...objects) => objects.forEach((object) => stores[kind]?.upsert(object)),
  };
};

export interface FakeApi {
  reader: Reader;
  writer: Writer;
  /** One line per write, e.g. `mergePatch Pod web-1`. */
  writes: string[];
  bodies: unknown[];
  /** Live objects by `<kind> <name>`. */
  live: Map<string, KubeObject>;
  /** Answer of the API server to the write with this line, instead of success. */
  refuse: Map<string, number>;
}

const refused = (status: number): KubeError =>
  new KubeError({ status, reason: status === 409 ? 'AlreadyExists' : 'Fake', message: 'refused' });

export const createFakeApi = (): FakeApi => {
  const writes: string[] = [];
  const bodies: unknown[] = [];
  const live = new Map<string, KubeObject>();
  const refuse = new Map<string, number>();
  const write = (verb: string, { kind, name }: { kind: string; name: string }, body?: unknown) => {
    const line = `${verb} ${kind} ${name}`;
    writes.push(line);
    bodies.push(body);
    const status = refuse.get(line);
    if (status !== undefined) throw refused(status);
    return live.get(`${kind} ${name}`) ?? { apiVersion: 'v1', kind, metadata: { name } };
  };
  const nameOf = ({ kind, metadata }: KubeObject) => ({ kind, name: metadata.name });
  const patch = (verb: string) => async (ref: ObjectRef, body: unknown) => write(verb, ref, body);
  const writer = {
    create: async (object: KubeObject) => write('create', nameOf(object), object),
    apply: async (object: KubeObject) => write('apply', nameOf(object), object),
    mergePatch: patch('mergePatch'),
    strategicPatch: patch('strategicPatch'),
    jsonPatch: patch('jsonPatch'),
    delete: async (ref: ObjectRef, options: { uid?: string }) => void write('delete', ref, options.uid),
  } as unknown as Writer;
  const reader = {
    get: async ({ kind, name }: ObjectRef) => {
      const object = live.get(`${kind} ${name}`);
      if (object === undefined) throw refused(404);
      return structuredClone(object);
    },
    list: async (kind: string) => [...live.values()].filter((object) => object.kind === kind),
  } as unknown as Reader;
  return { reader, writer, writes, bodies, live, refuse };
};

export const canaryOf = (status?: Canary['status']): Canary => ({
  apiVersion: 'kanari.dev/v1alpha1',
  kind: 'Canary',
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'k1',
    resourceVersion: '7',
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u1', controller: true },
    ],
  },
  ...(status === undefined ? {} : { status }),
});
