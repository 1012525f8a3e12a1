import type { Reader, Writer } from '../kube/api.ts';
import { isConflict, isInvalid, isNotFound } from '../kube/errors.ts';
import { disownPatch } from '../kube/ownership.ts';
import type { ObjectRef } from '../kube/resources.ts';

/** Who loses this often will be asked by the next apply; nothing depends on it. */
const ATTEMPTS = 4;

/** Takes Kanari out of the owners of an object's fields. */
export const disown = async (
  { reader, writer }: { reader: Reader; writer: Writer },
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<void> => {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      const patch = disownPatch(await reader.get(ref, { signal }));
      if (patch === undefined) return;
      await writer.jsonPatch(ref, patch, { signal });
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error) && !isInvalid(error)) throw error;
    }
  }
};
