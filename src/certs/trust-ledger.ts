import { createSightings } from './sightings.ts';
import { splitBundle } from './validity.ts';

// API servers follow the configuration by a watch, which takes them less than a second on a good day.
const LEARNING_MS = 5_000;

/** Since when API servers have been told to trust which authority. Bundles are PEM texts. */
export interface TrustLedger {
  /** Takes the bundle of the webhook configuration as it was just read; what it lacks is forgotten. */
  observe: (bundle: string, at: Date) => void;
  /** Seen standing there for so long that every API server has learnt it: fit to issue by. */
  settled: (at: Date) => string;
  /**
   * Settled, or the only one there before this process was: it stood there for the replicas before, too. Of several, one
   * may have come a moment ago.
   */
  presumed: (at: Date) => string;
}

export const createTrustLedger = (): TrustLedger => {
  const sightings = createSightings();
  let inherited: string[] | undefined;
  const learnt = (at: Date): string[] => sightings.seenFor(LEARNING_MS, at);
  return {
    observe: (bundle, at) => {
      const certs = splitBundle(bundle);
      inherited = (inherited ?? (certs.length === 1 ? certs : [])).filter((cert) => certs.includes(cert));
      sightings.look(certs, at);
    },
    settled: (at) => learnt(at).join(''),
    presumed: (at) => [...new Set([...(inherited ?? []), ...learnt(at)])].join(''),
  };
};
