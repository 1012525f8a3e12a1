import { createAuthority, issueLeaf, type KeyPair } from '../../src/certs/authority.ts';

export const DAY = 24 * 3_600_000;
export const START = new Date('2026-11-21T00:00:00Z');
export const later = (days: number): Date => new Date(START.getTime() + days * DAY);

export interface Issued {
  authority: KeyPair;
  leaf: KeyPair;
}

/** A fresh authority with a leaf; keys cost a tenth of a second, so make few. */
export const issued = async (names: string[], at: Date = START): Promise<Issued> => {
  const authority = await createAuthority(at);
  return { authority, leaf: await issueLeaf(authority, names, at) };
};
