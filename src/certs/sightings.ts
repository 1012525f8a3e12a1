// Looks are at most 35 s apart: a pause of 20 s, and 15 s for a look that hangs.
const LONGEST_PAUSE_MS = 60_000;

/**
 * For how long certificates have been seen at every look. What passed without looks counts for nothing: a machine that
 * slept, an API server out of reach, a clock that was set. Whoever was to act in that time could not either, perhaps.
 */
export interface Sightings {
  /** Takes all that is seen now, as PEM texts; what is not among them is forgotten. */
  look: (certs: readonly string[], at: Date) => void;
  /** Those seen for so many milliseconds. */
  seenFor: (milliseconds: number, at: Date) => string[];
}

export const createSightings = (): Sightings => {
  let since = new Map<string, number>();
  let lookedAt = -Infinity;
  return {
    look: (certs, at) => {
      const now = at.getTime();
      const isAwake = now >= lookedAt && now - lookedAt <= LONGEST_PAUSE_MS;
      since = new Map(certs.map((cert) => [cert, (isAwake ? since.get(cert) : undefined) ?? now]));
      lookedAt = now;
    },
    seenFor: (milliseconds, at) =>
      [...since].filter(([, seenAt]) => at.getTime() - seenAt >= milliseconds).map(([cert]) => cert),
  };
};
