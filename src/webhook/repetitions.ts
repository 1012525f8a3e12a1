import type { Deployment } from '../core/objects.ts';

// The API server asks again about the same change when its write met a conflict or another webhook changed the
// object, and clients try again what was refused: one release must not be counted twice.

/** Longer than any of them goes on, and too short for a person who corrects what was refused. */
const REPEATED_WITHIN_MS = 10_000;
/** Deployments remembered, those told of last. */
const REMEMBERED = 1_000;

/**
 * Whether the same was said a moment ago about this Deployment as stored. Of the changes asked of one generation at
 * most one is ever stored, and it brings the next.
 * @param now milliseconds, monotonic
 */
export const createRepetitions = (now: () => number): ((stored: Deployment, reason: string) => boolean) => {
  const told = new Map<string, { words: string; at: number }>();
  return ({ metadata }, reason) => {
    const uid = metadata.uid ?? '';
    const said = { words: `${metadata.generation ?? 0}/${reason}`, at: now() };
    const last = told.get(uid);
    if (last?.words === said.words && said.at - last.at < REPEATED_WITHIN_MS) return true;
    told.delete(uid);
    told.set(uid, said);
    const [oldest = ''] = told.keys();
    if (told.size > REMEMBERED) told.delete(oldest);
    return false;
  };
};
