import type { KeyPair } from './authority.ts';

/** PEM texts: what to serve with, and the authorities by which clients are to know it. */
export interface ServingCertificate extends KeyPair {
  /** Empty where Kanari does not know them. */
  ca: string;
  expiresAt: Date;
}

/** What a source has to reckon with. Bundles are PEM texts. */
export interface Circumstances {
  at: Date;
  /** DNS names and IP addresses by which the API server calls the webhook. */
  names: readonly string[];
  served: ServingCertificate | undefined;
  /** What the webhook configuration says to trust, as it was read just now; empty where somebody wrote over all of it. */
  registered: string;
  /** The part of it that API servers have had the time to learn. */
  settled: string;
}

export interface Material {
  pair: KeyPair;
  /** What the webhook configuration is to say; undefined where somebody else writes it. */
  bundle: string | undefined;
  /** Why the pair is not the newest one there is, in words. */
  note?: string;
}

/** Where certificates come from: the Secret that replicas share, or files that somebody else renews. */
export interface CertificateSource {
  /** Milliseconds between two looks. */
  intervalMs: number;
  /** Throws when there is nothing to serve with. */
  obtain: (circumstances: Circumstances, signal: AbortSignal) => Promise<Material>;
}
