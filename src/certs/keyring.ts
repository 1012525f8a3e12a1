import { BACKDATE_MS, createAuthority, issueLeaf, type KeyPair } from './authority.ts';
import type { Circumstances } from './certificate-source.ts';
import {
  authoritiesIn,
  authorityProblem,
  type CertificateProblem,
  isIssued,
  isRenewalDue,
  servingProblem,
  splitBundle,
  startOf,
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
  | { kind: 'authorityReplaced'; reason: CertificateProblem | 'Missing' | 'RenewalDue' }
  | { kind: 'leafReplaced'; reason: CertificateProblem | 'RenewalDue' | 'AuthorityReplaced' }
  | { kind: 'authoritiesRetired' };

export interface RenewedKeyring {
  keyring: Keyring;
  change: KeyringChange;
}

// Replicas take up a new leaf within seconds. One that could not for an hour is not ready either: its watches are stale.
const RETIREMENT_MS = 3_600_000;
// However often the Secret is lost, the webhook configuration stays small.
const MOST_AUTHORITIES = 8;

const issuingAuthority = ({ bundle, authorityKey }: Keyring): KeyPair => ({
  cert: splitBundle(bundle)[0] ?? '',
  key: authorityKey,
});

/** All that a leaf still served by some replica may chain to; what those at hand chain to comes first. */
const trustedSoFar = (keyring: Keyring | undefined, { served, registered, at }: Circumstances): string[] => {
  const known = authoritiesIn([served?.ca, keyring?.bundle, registered].join('\n'), at);
  const leaves = [served?.cert, keyring?.leaf.cert].filter((cert) => cert !== undefined);
  const inUse = known.filter((authority) => leaves.some((leaf) => isIssued(leaf, authority)));
  return [...new Set([...inUse, ...known])].slice(0, MOST_AUTHORITIES - 1);
};

/** A new authority issues from now on. The leaf stays if it can, until API servers have learnt the new authority. */
const replaceAuthority = async (
  keyring: Keyring | undefined,
  circumstances: Circumstances,
): Promise<Keyring> => {
  const { names, at, served } = circumstances;
  const authority = await createAuthority(at);
  const bundle = [authority.cert, ...trustedSoFar(keyring, circumstances)].join('');
  const leaf = [keyring?.leaf, served].find(
    (pair) => pair !== undefined && servingProblem(pair, { bundle, names, at }) === undefined,
  );
  return {
    bundle,
    authorityKey: authority.key,
    leaf: leaf === undefined ? await issueLeaf(authority, names, at) : { cert: leaf.cert, key: leaf.key },
  };
};

/** What to do about the leaf: nothing, or why it needs a successor. */
const leafChange = (
  keyring: Keyring,
  { names, at, settled }: Circumstances,
): (KeyringChange & { kind: 'leafReplaced' }) | undefined => {
  const { leaf, bundle } = keyring;
  const problem = servingProblem(leaf, { bundle, names, at });
  if (problem !== undefined) return { kind: 'leafReplaced', reason: problem };
  const [authority = ''] = splitBundle(bundle);
  // A leaf of an authority that some API server has not learnt yet would fail its calls; the present one still serves.
  if (!splitBundle(settled).includes(authority)) return undefined;
  if (!isIssued(leaf.cert, authority)) return { kind: 'leafReplaced', reason: 'AuthorityReplaced' };
  return isRenewalDue(leaf.cert, at) ? { kind: 'leafReplaced', reason: 'RenewalDue' } : undefined;
};

/** Only the issuing authority is in use, and has been for so long that no replica serves by another. */
const othersAreIdle = ({ bundle, leaf }: Keyring, at: Date): boolean => {
  const [authority = '', ...others] = splitBundle(bundle);
  const issuedAt = startOf(leaf.cert).getTime() + BACKDATE_MS;
  return others.length > 0 && isIssued(leaf.cert, authority) && at.getTime() - issuedAt >= RETIREMENT_MS;
};

/**
 * The keyring to store, and what changed; undefined when the present one is good. One step at a time, each safe to
 * stop after: a new authority joins the bundle, the leaf moves over once that is known, the old authority leaves.
 */
export const renewKeyring = async (
  keyring: Keyring | undefined,
  circumstances: Circumstances,
): Promise<RenewedKeyring | undefined> => {
  const { names, at } = circumstances;
  const replaced = async (reason: (KeyringChange & { kind: 'authorityReplaced' })['reason']) => ({
    keyring: await replaceAuthority(keyring, circumstances),
    change: { kind: 'authorityReplaced', reason } as const,
  });
  if (keyring === undefined) return replaced('Missing');
  const authority = issuingAuthority(keyring);
  const broken = authorityProblem(authority, at);
  if (broken !== undefined) return replaced(broken);
  const change = leafChange(keyring, circumstances);
  if (change !== undefined) {
    return { keyring: { ...keyring, leaf: await issueLeaf(authority, names, at) }, change };
  }
  if (isRenewalDue(authority.cert, at)) return replaced('RenewalDue');
  if (!othersAreIdle(keyring, at)) return undefined;
  return { keyring: { ...keyring, bundle: authority.cert }, change: { kind: 'authoritiesRetired' } };
};
