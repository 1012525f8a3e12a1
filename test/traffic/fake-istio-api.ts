import jsonPatch, { type Operation } from 'fast-json-patch';
import type { GatewayRoute } from '../../src/core/gateway-api/route.ts';
import type { DestinationRule } from '../../src/core/istio/destination-rule.ts';
import type { VirtualService } from '../../src/core/istio/virtual-service.ts';
import { type KubeObject, keyOf, type Service } from '../../src/core/objects.ts';
import { decideRoute } from '../../src/core/route-admission.ts';
import type { Reader, Store, Writer } from '../../src/kube/api.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { ObjectRef } from '../../src/kube/resources.ts';

const KANARI = 'system:serviceaccount:kanari:kanari';

export interface FakeIstioApi {
  writer: Writer;
  reader: Reader;
  stores: {
    virtualServices: Store<VirtualService>;
    destinationRules: Store<DestinationRule>;
    httpRoutes: Store<GatewayRoute>;
    grpcRoutes: Store<GatewayRoute>;
    services: Store<Service>;
  };
  /** One line per write that Kanari made, e.g. `mergePatch VirtualService web`. */
  writes: string[];
  /** Whether the route webhook is there. */
  webhook: boolean;
  /** Called before each write of Kanari's: a place for others to be faster. */
  before: () => void;
  /** What controllers make of an object as soon as it is stored. */
  react: (object: KubeObject, before: KubeObject | undefined) => void;
  /** Create or replace as a user does, through the webhook. */
  put(object: KubeObject): void;
  get(kind: string, name: string): KubeObject | undefined;
  remove(kind: string, name: string): void;
}

const mergeInto = (target: Record<string, unknown>, patch: Record<string, unknown>): void => {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete target[key];
    else if (typeof value === 'object' && !Array.isArray(value)) {
      const inner = (target[key] ?? {}) as Record<string, unknown>;
      mergeInto(inner, value as Record<string, unknown>);
      target[key] = inner;
    } else target[key] = value;
  }
};

/** As text: no two values of it are the same object, or changing the one would change the other. */
const asSent = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const failure = (status: number): Error =>
  new KubeError({ status, reason: 'Fake', message: `status ${status}` });

/** An API server with nothing but the kinds that route: resource versions, the patch kinds, ownership and the webhook. */
export const createFakeIstioApi = (): FakeIstioApi => {
  const objects = new Map<string, KubeObject>();
  const watchers: ((change: { before: KubeObject | undefined; after: KubeObject | undefined }) => void)[] =
    [];
  let version = 0;
  const idOf = (kind: string, name: string): string => `${kind}/${name}`;
  const stored = (ref: ObjectRef): KubeObject => {
    const object = objects.get(idOf(ref.kind, ref.name));
    if (object === undefined) throw failure(404);
    return object;
  };

  const store = (object: KubeObject, username: string): KubeObject => {
    const id = idOf(object.kind, object.metadata.name);
    const oldObject = objects.get(id);
    const admitted = asSent(object);
    if (api.webhook) {
      const operation = oldObject === undefined ? 'CREATE' : 'UPDATE';
      const request = { operation, object: admitted, oldObject, username, ownUsername: KANARI } as const;
      jsonPatch.applyPatch(admitted, asSent(decideRoute(request).patch));
    }
    if (Object.keys(admitted.metadata.annotations ?? { x: '' }).length === 0)
      delete admitted.metadata.annotations;
    version += 1;
    admitted.metadata.resourceVersion = String(version);
    admitted.metadata.uid ??= `uid-${version}`;
    api.react(admitted, oldObject);
    objects.set(id, admitted);
    for (const tell of watchers) tell({ before: oldObject, after: structuredClone(admitted) });
    return structuredClone(admitted);
  };

  const drop = (id: string): void => {
    const before = objects.get(id);
    objects.delete(id);
    for (const tell of watchers) tell({ before, after: undefined });
  };

  const write = (
    verb: string,
    ref: ObjectRef,
    change: (object: KubeObject) => KubeObject,
  ): Promise<KubeObject> => {
    api.before();
    api.writes.push(`${verb} ${ref.kind} ${ref.name}`);
    return Promise.resolve().then(() => store(change(structuredClone(stored(ref))), KANARI));
  };
  const own = (object: KubeObject): KubeObject => {
    const entry = { manager: 'kanari', operation: 'Update' };
    const others = (object.metadata.managedFields ?? []).filter(
      (each) => (each as { manager?: string }).manager !== 'kanari',
    );
    return { ...object, metadata: { ...object.metadata, managedFields: [...others, entry] } };
  };

  const writer: Writer = {
    create: () => Promise.reject(new Error('not used')),
    strategicPatch: () => Promise.reject(new Error('not used')),
    apply: (object) => {
      api.before();
      api.writes.push(`apply ${object.kind} ${object.metadata.name}`);
      const existing = objects.get(idOf(object.kind, object.metadata.name));
      const { uid } = existing?.metadata ?? {};
      const merged = { ...object, metadata: { ...object.metadata, ...(uid === undefined ? {} : { uid }) } };
      return Promise.resolve(store(merged, KANARI) as typeof object);
    },
    mergePatch: (ref, body) =>
      write('mergePatch', ref, (object) => {
        const asked = (body as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion;
        if (asked !== undefined && asked !== object.metadata.resourceVersion) throw failure(409);
        mergeInto(object as never, body as never);
        return own(object);
      }),
    jsonPatch: (ref, operations) =>
      write('jsonPatch', ref, (object) => {
        const ownership = operations.every(
          ({ op, path }) => op === 'test' || path.startsWith('/metadata/managedFields'),
        );
        for (const { op, path, value } of operations)
          if (op === 'test' && jsonPatch.getValueByPointer(object, path) !== value) throw failure(422);
        jsonPatch.applyPatch(object, asSent(operations) as Operation[]);
        return ownership ? object : own(object);
      }),
    delete: (ref) => {
      api.before();
      api.writes.push(`delete ${ref.kind} ${ref.name}`);
      drop(idOf(ref.kind, ref.name));
      return Promise.resolve();
    },
  };

  const storeOf = <T extends KubeObject>(kind: string): Store<T> => {
    const all = (): T[] =>
      [...objects.values()]
        .filter((object) => object.kind === kind)
        .map((each) => structuredClone(each) as T);
    return {
      get: (key) => all().find((object) => keyOf(object) === key),
      list: all,
      inNamespace: (namespace) => all().filter(({ metadata }) => metadata.namespace === namespace),
      controlledBy: () => [],
      onChange: (handler) =>
        void watchers.push(({ before, after }) => {
          if ((after ?? before)?.kind === kind) handler({ before: before as T, after: after as T });
        }),
      synced: () => true,
    };
  };

  const api: FakeIstioApi = {
    writer,
    reader: {
      get: (ref) => Promise.resolve().then(() => structuredClone(stored(ref)) as never),
      list: () => Promise.reject(new Error('not used')),
    },
    stores: {
      virtualServices: storeOf('VirtualService'),
      destinationRules: storeOf('DestinationRule'),
      httpRoutes: storeOf('HTTPRoute'),
      grpcRoutes: storeOf('GRPCRoute'),
      services: storeOf('Service'),
    },
    writes: [],
    webhook: true,
    before: () => undefined,
    react: () => undefined,
    put: (object) => void store(object, 'jane'),
    get: (kind, name) => structuredClone(objects.get(idOf(kind, name))),
    remove: (kind, name) => drop(idOf(kind, name)),
  };
  return api;
};
