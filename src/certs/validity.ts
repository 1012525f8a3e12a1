import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { KeyPair } from './authority.ts';

export type CertificateProblem =
  | 'Unreadable'
  | 'WrongKey'
  | 'WrongName'
  | 'UnknownIssuer'
  | 'NoAuthority'
  | 'NotYetValid'
  | 'Expired';

const readCertificate = (pem: string): X509Certificate | undefined => {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
};

const matchesKey = (certificate: X509Certificate, key: string): boolean => {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
};

/** The certificates of a bundle that can be read, as PEM texts of one form in their order. */
export const splitBundle = (bundle: string): string[] =>
  (bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []).flatMap(
    (pem) => readCertificate(pem)?.toString() ?? [],
  );

/** Whether two bundles hold the same certificates, in whatever order and with whatever text around. */
export const sameCertificates = (one: string, other: string): boolean => {
  const [ones, others] = [new Set(splitBundle(one)), new Set(splitBundle(other))];
  return ones.size === others.size && [...ones].every((cert) => others.has(cert));
};

/** When a readable certificate begins; the epoch for what can't be read. */
export const startOf = (cert: string): Date => new Date(readCertificate(cert)?.validFrom ?? 0);

/** When a readable certificate ends; the epoch for what can't be read. */
export const expiryOf = (cert: string): Date => new Date(readCertificate(cert)?.validTo ?? 0);

/** Two thirds of its life are over: time to have the next one, with a third left for things to go wrong. */
export const isRenewalDue = (cert: string, at: Date): boolean => {
  const certificate = readCertificate(cert);
  if (certificate === undefined) return true;
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  return at.getTime() >= from + ((to - from) * 2) / 3;
};

const timeProblem = (certificate: X509Certificate, at: Date): CertificateProblem | undefined => {
  if (at.getTime() < Date.parse(certificate.validFrom)) return 'NotYetValid';
  return at.getTime() >= Date.parse(certificate.validTo) ? 'Expired' : undefined;
};

/** Why this pair can't issue certificates at that time; undefined when it can. */
export const authorityProblem = ({ cert, key }: KeyPair, at: Date): CertificateProblem | undefined => {
  const certificate = readCertificate(cert);
  if (certificate === undefined) return 'Unreadable';
  if (!certificate.ca) return 'NoAuthority';
  return matchesKey(certificate, key) ? timeProblem(certificate, at) : 'WrongKey';
};

const covers = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;

const isIssuedBy = (certificate: X509Certificate, authority: X509Certificate): boolean =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey);

/** Whether this authority signed the certificate. False for what can't be read. */
export const isIssued = (cert: string, authorityCert: string): boolean => {
  const [certificate, authority] = [readCertificate(cert), readCertificate(authorityCert)];
  return certificate !== undefined && authority !== undefined && isIssuedBy(certificate, authority);
};

const authoritiesWith = (bundle: string, isFit: (certificate: X509Certificate) => boolean): string[] =>
  [...new Set(splitBundle(bundle))].filter((pem) => {
    const certificate = readCertificate(pem);
    return certificate?.ca === true && isFit(certificate);
  });

/** The certificates of a bundle that may vouch for others at that time, each once, as PEM texts in their order. */
export const authoritiesIn = (bundle: string, at: Date): string[] =>
  authoritiesWith(bundle, (certificate) => timeProblem(certificate, at) === undefined);

/** Those, and what will be one later: to a clock that is behind, what others go by may begin in the future. */
export const authoritiesToKeep = (bundle: string, at: Date): string[] =>
  authoritiesWith(bundle, (certificate) => timeProblem(certificate, at) !== 'Expired');

interface Trust {
  bundle: string;
  at: Date;
}

const chainsTo = (cert: string, authorities: readonly string[], intermediates: readonly string[]): boolean =>
  authorities.some((authority) => isIssued(cert, authority)) ||
  intermediates.some(
    (intermediate) =>
      isIssued(cert, intermediate) &&
      chainsTo(
        intermediate,
        authorities,
        intermediates.filter((other) => other !== intermediate),
      ),
  );

/** Whether the bundle vouches for the certificate, directly or by intermediates that follow it in its text. */
export const isTrusted = (cert: string, { bundle, at }: Trust): boolean =>
  chainsTo(cert, authoritiesIn(bundle, at), authoritiesIn(cert, at));

/** Why nobody could serve by this pair under these names at that time, whoever is trusted. */
export const pairProblem = (
  { cert, key }: KeyPair,
  { names, at }: { names: readonly string[]; at: Date },
): CertificateProblem | undefined => {
  const certificate = readCertificate(cert);
  if (certificate === undefined) return 'Unreadable';
  if (!matchesKey(certificate, key)) return 'WrongKey';
  if (!names.every((name) => covers(certificate, name))) return 'WrongName';
  return timeProblem(certificate, at);
};

/** Why a client that trusts the bundle would refuse this pair for one of the names at that time. */
export const servingProblem = (
  pair: KeyPair,
  { bundle, names, at }: Trust & { names: readonly string[] },
): CertificateProblem | undefined => {
  const problem = pairProblem(pair, { names, at });
  if (problem !== undefined) return problem;
  return isTrusted(pair.cert, { bundle, at }) ? undefined : 'UnknownIssuer';
};
