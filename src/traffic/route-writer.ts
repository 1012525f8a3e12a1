import jsonPatch from 'fast-json-patch';
import { SPLIT_ANNOTATION } from '../core/marks.ts';
import { annotationsOf, type KubeObject } from '../core/objects.ts';
import type { SplitEntry } from '../core/split-annotation.ts';
import { standsAs, withEntry } from '../core/split-object.ts';
import type { JsonPatchOperation, Reader, Writer } from '../kube/api.ts';
import { isConflict, isInvalid, isNotFound } from '../kube/errors.ts';
import { disownPatch } from '../kube/ownership.ts';
import { unchangedSince } from '../kube/resource-version.ts';
import { refOf } from '../kube/resources.ts';

/** The part of a logger that routers use; pino's Logger is one. */
export interface RouteLog {
  warn(fields: object, message: string): void;
}

export interface RouteWriterOptions {
  writer: Writer;
  reader: Reader;
  log: RouteLog;
}

/** One Deployment's entry in the split of one of the user's objects; undefined takes it out. */
export interface EntryChange {
  name: string;
  entry: SplitEntry | undefined;
}

export interface RouteWriter {
  /** Resolves when the object is stored as the entry wants it, or is gone. */
  settle(object: KubeObject, change: EntryChange, signal: AbortSignal): Promise<void>;
}

/** Users and GitOps tools write routes seldom: who loses this often fights with somebody, and the next plan goes on. */
const ATTEMPTS = 4;

/** Conflict: the merge patch's resourceVersion is not the stored one. Invalid: the same, told by a JSON patch's test. */
const isOutrun = (error: unknown): boolean => isConflict(error) || isInvalid(error);

/** Runs `write` on the object, and anew on what is stored now when somebody else was faster. Done when it is gone. */
const untilStored = async (
  first: KubeObject,
  write: (object: KubeObject) => Promise<void>,
  reread: () => Promise<KubeObject>,
): Promise<void> => {
  let object = first;
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (attempt > 1) object = await reread();
      await write(object);
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isOutrun(error) || attempt === ATTEMPTS) throw error;
    }
  }
};

/** Sets the annotation, or removes it; the answer is what the route webhook, if there is one, made of that. */
const annotate = async (
  writer: Writer,
  { object, wanted }: { object: KubeObject; wanted: KubeObject },
  signal: AbortSignal,
): Promise<KubeObject> => {
  const metadata = {
    // Guards the other Deployments' entries in the same annotation.
    resourceVersion: object.metadata.resourceVersion,
    annotations: { [SPLIT_ANNOTATION]: annotationsOf(wanted)[SPLIT_ANNOTATION] ?? null },
  };
  return await writer.mergePatch(refOf(object), { metadata }, { signal });
};

const writeDirectly = async (
  writer: Writer,
  { object, wanted }: { object: KubeObject; wanted: KubeObject },
  signal: AbortSignal,
): Promise<KubeObject> => {
  const changes = jsonPatch.compare(object, wanted) as JsonPatchOperation[];
  const operations = [unchangedSince(object), ...changes];
  return await writer.jsonPatch(refOf(object), operations, { signal });
};

/**
 * Writes one annotation and lets the route webhook derive the spec from it, so that the user stays the owner of every
 * field. Where no webhook acts, writes the same spec itself and gives the ownership up again.
 */
export const createRouteWriter = ({ writer, reader, log }: RouteWriterOptions): RouteWriter => {
  const disown = (object: KubeObject, signal: AbortSignal): Promise<void> => {
    const write = async (current: KubeObject): Promise<void> => {
      const patch = disownPatch(current);
      if (patch !== undefined) await writer.jsonPatch(refOf(current), patch, { signal });
    };
    return untilStored(object, write, () => reader.get(refOf(object), { signal }));
  };

  const settleOnce = async (object: KubeObject, { name, entry }: EntryChange, signal: AbortSignal) => {
    const wanted = withEntry(object, name, entry);
    if (standsAs(object, wanted)) return;
    const answer = await annotate(writer, { object, wanted }, signal);
    const expected = withEntry(answer, name, entry);
    if (standsAs(answer, expected)) {
      if (entry === undefined) await disown(answer, signal);
      return;
    }
    const { namespace, name: route } = answer.metadata;
    log.warn(
      { kind: answer.kind, namespace, route },
      'the route webhook did not act: writing the route directly',
    );
    await disown(await writeDirectly(writer, { object: answer, wanted: expected }, signal), signal);
  };

  return {
    settle: (object, change, signal) =>
      untilStored(
        object,
        (current) => settleOnce(current, change, signal),
        () => reader.get(refOf(object), { signal }),
      ),
  };
};
