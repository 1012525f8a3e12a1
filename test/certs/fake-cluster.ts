import jsonpatch from 'fast-json-patch';
import type { KubeObject } from '../../src/core/objects.ts';
import type { JsonPatchOperation, Reader, Writer } from '../../src/kube/api.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { ObjectRef } from '../../src/kube/resources.ts';

const refusal = (status: number): KubeError =>
  new KubeError({ status, reason: 'Fake', message: `HTTP ${status}` });

const keyOf = ({ kind, namespace, name }: ObjectRef) => `${kind}/${namespace ?? ''}/${name}`;
const refOf = (object: KubeObject): ObjectRef => ({
  kind: object.kind as ObjectRef['kind'],
  name: object.metadata.name,
  ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
});
const unused = () => Promise.reject(new Error('not used by certificates'));

/** Objects in memory with the API server's conflicts; `before` runs ahead of each write, to play another replica. */
export const fakeCluster = () => {
  const objects = new Map<string, KubeObject>();
  const writes: { verb: string; ref: ObjectRef; operations?: JsonPatchOperation[] }[] = [];
  const hooks = { before: () => {}, failReads: undefined as number | undefined };
  let version = 0;

  const put = (object: KubeObject): KubeObject => {
    version += 1;
    const stored = structuredClone(object);
    stored.metadata.resourceVersion = String(version);
    objects.set(keyOf(refOf(object)), stored);
    return stored;
  };

  const reader: Reader = {
    get: <T extends KubeObject>(ref: ObjectRef) => {
      if (hooks.failReads !== undefined) return Promise.reject(refusal(hooks.failReads));
      const object = objects.get(keyOf(ref));
      return object === undefined
        ? Promise.reject(refusal(404))
        : Promise.resolve(structuredClone(object) as T);
    },
    list: unused,
  };

  const writer: Writer = {
    create: <T extends KubeObject>(object: T) => {
      hooks.before();
      if (objects.has(keyOf(refOf(object)))) return Promise.reject(refusal(409));
      writes.push({ verb: 'create', ref: refOf(object) });
      return Promise.resolve(put(object) as T);
    },
    jsonPatch: (ref, operations) => {
      hooks.before();
      const object = objects.get(keyOf(ref));
      if (object === undefined) return Promise.reject(refusal(404));
      try {
        const patched = jsonpatch.applyPatch(
          structuredClone(object),
          operations as jsonpatch.Operation[],
          true,
        );
        writes.push({ verb: 'patch', ref, operations });
        return Promise.resolve(put(patched.newDocument));
      } catch {
        return Promise.reject(refusal(422));
      }
    },
    apply: unused,
    mergePatch: unused,
    strategicPatch: unused,
    delete: unused,
  };

  return { reader, writer, put, writes, hooks, get: (ref: ObjectRef) => objects.get(keyOf(ref)) };
};
