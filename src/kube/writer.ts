import { FIELD_MANAGER } from '../core/marks.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Reader, WriteOptions, Writer } from './api.ts';
import { isConflict, isNotFound } from './errors.ts';
import { createReader } from './reader.ts';
import { type ObjectRef, pathOf, refOf } from './resources.ts';
import type { Rest } from './rest.ts';

// The content type decides what the API server does with a body, so each kind of patch fixes its own.
const APPLY = 'application/apply-patch+yaml';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

interface Patch {
  ref: ObjectRef;
  contentType: string;
  body: unknown;
  options: WriteOptions;
  force?: boolean | undefined;
}

const sendPatch = async (
  rest: Rest,
  { ref, contentType, body, options, force }: Patch,
): Promise<KubeObject> => {
  const { subresource, signal } = options;
  return (await rest.request({
    method: 'PATCH',
    path: pathOf(ref.kind, { ...ref, ...(subresource === undefined ? {} : { subresource }) }),
    query: { fieldManager: FIELD_MANAGER, force },
    contentType,
    body,
    signal,
  })) as KubeObject;
};

const remove = async (
  rest: Rest,
  reader: Reader,
  ...[ref, options]: Parameters<Writer['delete']>
): Promise<void> => {
  const { signal, uid, resourceVersion } = options;
  const body = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: 'Background',
    preconditions: { uid, resourceVersion },
  };
  try {
    await rest.request({ method: 'DELETE', path: pathOf(ref.kind, ref), body, signal });
  } catch (error) {
    if (isNotFound(error)) return;
    if (!isConflict(error) || uid === undefined || (await hasUid(reader, ref, { uid, signal }))) throw error;
  }
};

/** The conflict's answer does not say which precondition failed. */
const hasUid = async (
  reader: Reader,
  ref: ObjectRef,
  at: { uid: string; signal: AbortSignal },
): Promise<boolean> => {
  try {
    return (await reader.get(ref, { signal: at.signal })).metadata.uid === at.uid;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
};

export const createWriter = (rest: Rest): Writer => {
  const reader = createReader(rest);
  return {
    create: async <T extends KubeObject>(object: T, { signal }: { signal: AbortSignal }) => {
      const { kind, namespace } = refOf(object);
      const path = pathOf(kind, namespace === undefined ? {} : { namespace });
      const query = { fieldManager: FIELD_MANAGER };
      return (await rest.request({ method: 'POST', path, query, body: object, signal })) as T;
    },
    apply: async <T extends KubeObject>(object: T, options: WriteOptions & { force?: boolean }) => {
      const { force = false } = options;
      const patch = { ref: refOf(object), contentType: APPLY, body: object, options, force };
      return (await sendPatch(rest, patch)) as T;
    },
    mergePatch: (ref, body, options) => sendPatch(rest, { ref, contentType: MERGE_PATCH, body, options }),
    strategicPatch: (ref, body, options) =>
      sendPatch(rest, { ref, contentType: STRATEGIC_PATCH, body, options }),
    jsonPatch: (ref, body, options) => sendPatch(rest, { ref, contentType: JSON_PATCH, body, options }),
    delete: (ref, options) => remove(rest, reader, ref, options),
  };
};
