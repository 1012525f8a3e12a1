import { splitBundle } from './validity.ts';

// API servers follow the configuration by a watch, which takes them less than a second on a good day.
const LEARNING_MS = 5_000;

/** Since when API servers have been told to trust which authority. Bundles are PEM texts. */
export interface TrustLedger {
  /** Takes the bundle of the webhook configuration as it was just read; what it lacks is forgotten. */
  observe: (bundle: string, at: Date) => void;
  /** Seen standing there for so long that every API server has learnt it: fit to issue by. */
  settled: (at: Date) => string;
  /** Settled, or there before this process was: it stood there for the replicas before, too. */
  presumed: (at: Date) => string;
}

export const createTrustLedger = (): TrustLedger => {
  let since: Map<string, number> | undefined;
  let inherited = new Set<string>();
  const select = (isWanted: (cert: string, seenAt: number) => boolean): string =>
    [...(since ?? [])]
      .filter(([cert, seenAt]) => isWanted(cert, seenAt))
      .map(([cert]) => cert)
      .join('');
  return {
    observe: (bundle, at) => {
      const certs = splitBundle(bundle);
      inherited = new Set(certs.filter((cert) => since === undefined || inherited.has(cert)));
      const before = since;
      since = new Map(certs.map((cert) => [cert, before?.get(cert) ?? at.getTime()]));
    },
    settled: (at) => select((_, seenAt) => at.getTime() - seenAt >= LEARNING_MS),
    presumed: (at) => select((cert, seenAt) => inherited.has(cert) || at.getTime() - seenAt >= LEARNING_MS),
  };
};
