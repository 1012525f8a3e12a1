import { createAuthority, issueLeaf, type KeyPair } from './authority.ts';
import {
  authorityProblem,
  type CertificateProblem,
  expiryOf,
  isRenewalDue,
  servingProblem,
  splitBundle,
} from './validity.ts';

/** Everything that serving needs, as all replicas share it. */
export interface Keyring {
  /** PEM certificates that the API server is to trust; the first is the authority that issues. */
  bundle: string;
  /** Key of the issuing authority. */
  authorityKey: string;
  leaf: KeyPair;
}

export type KeyringChange =
  | { kind: 'created'; reason: CertificateProblem | 'Missing' }
  | { kind: 'authorityRenewed' }
  | { kind: 'leafRenewed'; reason: CertificateProblem | 'RenewalDue' };

const issuingAuthority = ({ bundle, authorityKey }: Keyring): KeyPair => ({
  cert: splitBundle(bundle)[0] ?? '',
  key: authorityKey,
});

const create = async (names: readonly string[], at: Date): Promise<Keyring> => {
  const authority = await createAuthority(at);
  return { bundle: authority.cert, authorityKey: authority.key, leaf: await issueLeaf(authority, names, at) };
};

/** A new authority issues from now on; what the one before issued stays trusted until that expires. */
const renewAuthority = async (keyring: Keyring, at: Date): Promise<Keyring> => {
  const authority = await createAuthority(at);
  const trusted = splitBundle(keyring.bundle).filter((cert) => expiryOf(cert) > at);
  return { ...keyring, bundle: [authority.cert, ...trusted].join(''), authorityKey: authority.key };
};

/**
 * The keyring to use from now on, and what changed; undefined when the present one is good. Renewing the authority
 * leaves the leaf alone: the leaf moves over at a later call, when API servers have long learnt the longer bundle.
 */
export const renewKeyring = async (
  keyring: Keyring | undefined,
  names: readonly string[],
  at: Date,
): Promise<{ keyring: Keyring; change: KeyringChange } | undefined> => {
  if (keyring === undefined)
    return { keyring: await create(names, at), change: { kind: 'created', reason: 'Missing' } };
  const authority = issuingAuthority(keyring);
  const broken = authorityProblem(authority, at);
  if (broken !== undefined) {
    return { keyring: await create(names, at), change: { kind: 'created', reason: broken } };
  }
  const problem = servingProblem(keyring.leaf, { bundle: keyring.bundle, names, at });
  if (problem === undefined && isRenewalDue(authority.cert, at)) {
    return { keyring: await renewAuthority(keyring, at), change: { kind: 'authorityRenewed' } };
  }
  const reason = problem ?? (isRenewalDue(keyring.leaf.cert, at) ? 'RenewalDue' : undefined);
  if (reason === undefined) return undefined;
  const leaf = await issueLeaf(authority, names, at);
  return { keyring: { ...keyring, leaf }, change: { kind: 'leafRenewed', reason } };
};
