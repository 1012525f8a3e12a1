const FREE_CORRECTIONS = 3;
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 30 * 60_000;
// What has stood this long is no quarrel any more.
const PEACE_MS = 10 * 60_000;

/** Keeps Kanari from a writing match with a controller that insists on another value. Times in milliseconds. */
export interface CorrectionLimit {
  /** The earliest time, from the present one, to put right what somebody else changed. */
  nextAt: (at: number) => number;
  corrected: (at: number) => void;
  /** What Kanari wants stands. */
  stands: (at: number) => void;
}

/** A few corrections at once, as for a manifest applied again; then one after 1 minute, 2, 4, up to 30. */
export const createCorrectionLimit = (): CorrectionLimit => {
  let corrections = 0;
  let lastAt = -Infinity;
  return {
    nextAt: (at) => {
      // Whose clock was set back need not wait until it is where it was.
      lastAt = Math.min(lastAt, at);
      if (corrections < FREE_CORRECTIONS) return lastAt;
      return lastAt + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (corrections - FREE_CORRECTIONS));
    },
    corrected: (at) => {
      corrections += 1;
      lastAt = at;
    },
    stands: (at) => {
      if (at - lastAt >= PEACE_MS) corrections = 0;
    },
  };
};
