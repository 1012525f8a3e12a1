import { createSightings } from './sightings.ts';

// Replicas take up a new certificate within seconds, or minutes where a kubelet brings it as a file. One that can't reach
// the API server for an hour is not ready either: its watches are stale.
const RETIREMENT_MS = 3_600_000;

/** Tells which authorities have not been needed for so long that no replica serves by them any more. */
export interface Retirement {
  /**
   * To be asked at every look.
   * @param idle authorities by which nobody who looks now would serve, as PEM texts
   * @returns those of them that need not be trusted any longer
   */
  due: (idle: readonly string[], at: Date) => string[];
}

export const createRetirement = (): Retirement => {
  const sightings = createSightings();
  return {
    due: (idle, at) => {
      sightings.look(idle, at);
      return sightings.seenFor(RETIREMENT_MS, at);
    },
  };
};
