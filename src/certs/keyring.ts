import { createAuthority, issueLeaf, type KeyPair } from './authority.ts';
import type { Circumstances } from './certificate-source.ts';
import {
  authoritiesToKeep,
  authorityProblem,
  type CertificateProblem,
  isIssued,
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
  | { kind: 'authorityReplaced'; reason: CertificateProblem | 'Missing' | 'RenewalDue' }
  | { kind: 'leafReplaced'; reason: CertificateProblem | 'RenewalDue' | 'AuthorityReplaced' }
  | { kind: 'authoritiesRetired' };

export interface RenewedKeyring {
  keyring: Keyring;
  change: KeyringChange;
}

/** However often the Secret is lost, the webhook configuration stays small. */
export const MOST_AUTHORITIES = 8;

const issuingAuthority = ({ bundle, authorityKey }: Keyring): KeyPair => ({
  cert: splitBundle(bundle)[0] ?? '',
  key: authorityKey,
});

/** All that a leaf still served by some replica may chain to; what those at hand chain to comes first. */
const trustedSoFar = (keyring: Keyring | undefined, { served, registered, at }: Circumstances): string[] => {
  const known = authoritiesToKeep([served?.ca, keyring?.bundle, registered].join('\n'), at);
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

/**
 * All that is trusted beside the issuing authority, once whoever looks serves by that one: API servers know it, and the
 * leaf is issued by it.
 */
export const idleAuthorities = (
  { bundle, leaf }: Keyring,
  { registered, settled, at }: Circumstances,
): string[] => {
  const [authority = '', ...others] = splitBundle(bundle);
  if (!isIssued(leaf.cert, authority) || !splitBundle(settled).includes(authority)) return [];
  return [...new Set([...others, ...authoritiesToKeep(registered, at)])].filter((cert) => cert !== authority);
};

const withoutRetired = (keyring: Keyring, retired: readonly string[]): RenewedKeyring | undefined => {
  const certs = splitBundle(keyring.bundle);
  const kept = certs.filter((cert) => !retired.includes(cert));
  if (kept.length === certs.length) return undefined;
  return { keyring: { ...keyring, bundle: kept.join('') }, change: { kind: 'authoritiesRetired' } };
};

/**
 * The keyring to store, and what changed; undefined when the present one is good. One step at a time, each safe to
 * stop after: a new authority joins the bundle, the leaf moves over once that is known, the old authority leaves.
 * @param retired authorities that have been idle for so long that no replica serves by them
 */
export const renewKeyring = async (
  keyring: Keyring | undefined,
  circumstances: Circumstances,
  retired: readonly string[],
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
  return withoutRetired(keyring, retired);
};
