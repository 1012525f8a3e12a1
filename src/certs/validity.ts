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

/** The certificates of a bundle that can be read, as PEM texts in their order. */
export const splitBundle = (bundle: string): string[] =>
  (bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [])
    .map((pem) => `${pem}\n`)
    .filter((pem) => readCertificate(pem) !== undefined);

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

const isTrusted = (certificate: X509Certificate, bundle: string, at: Date): boolean =>
  splitBundle(bundle)
    .map((pem) => new X509Certificate(pem))
    .some(
      (authority) =>
        timeProblem(authority, at) === undefined &&
        certificate.checkIssued(authority) &&
        certificate.verify(authority.publicKey),
    );

/** Why a client that trusts the bundle would refuse this pair for one of the names at that time. */
export const servingProblem = (
  { cert, key }: KeyPair,
  { bundle, names, at }: { bundle: string; names: readonly string[]; at: Date },
): CertificateProblem | undefined => {
  const certificate = readCertificate(cert);
  if (certificate === undefined) return 'Unreadable';
  if (!matchesKey(certificate, key)) return 'WrongKey';
  if (!names.every((name) => covers(certificate, name))) return 'WrongName';
  const problem = timeProblem(certificate, at);
  if (problem !== undefined) return problem;
  return isTrusted(certificate, bundle, at) ? undefined : 'UnknownIssuer';
};
