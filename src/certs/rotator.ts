import type { Reader, Writer } from '../kube/api.ts';
import { describeError, isConflict, isInvalid } from '../kube/errors.ts';
import { withDeadline } from '../kube/linked-signal.ts';
import type { Logger } from '../telemetry/log.ts';
import { BACKDATE_MS, type KeyPair } from './authority.ts';
import type { CertificateSource, Circumstances, Material, ServingCertificate } from './certificate-source.ts';
import { createRegistrar } from './registrar.ts';
import { createTrustLedger, type TrustLedger } from './trust-ledger.ts';
import { expiryOf, isTrusted, sameCertificates, startOf } from './validity.ts';
import { CONFIGURATION_NAME, servingNames } from './webhook-registration.ts';

// While calls can't succeed, or a new authority is on its way: hurry.
const RETRY_INTERVAL_MS = 1_000;
const PASS_DEADLINE_MS = 15_000;
const NEW_MS = 60_000;

export interface CertRotator {
  /** Keeps the webhook configuration and the serving certificate right until the signal aborts. */
  run: (signal: AbortSignal) => Promise<void>;
  /** The certificate in use; undefined before the first. */
  current: () => ServingCertificate | undefined;
  /** Why the API server can't call the webhook, for readiness; undefined when it can. */
  problem: () => string | undefined;
  /** What is wrong though calls succeed. */
  note: () => string | undefined;
}

export interface RotatorDependencies {
  reader: Reader;
  writer: Writer;
  log: Logger;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Resolves after the milliseconds, or when the signal aborts (a rejection then is fine too). */
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Kanari's own namespace. */
  namespace: string;
  /** Undefined: called through the Service. */
  webhookUrl: string | undefined;
  source: CertificateSource;
  /** Called with every new certificate, after API servers have learnt to trust it. */
  serve: (certificate: ServingCertificate) => void;
}

/** Whether to go over to this pair: API servers know it, or what is served is worth nothing any more. */
const isTimeFor = (
  pair: KeyPair,
  { at, served, registered, settled }: Omit<Circumstances, 'names'>,
): boolean => {
  const isUseful =
    served !== undefined && served.expiresAt > at && isTrusted(served.cert, { bundle: registered, at });
  return !isUseful || isTrusted(pair.cert, { bundle: settled, at });
};

interface Repetition {
  /** @returns milliseconds until the next one */
  pass: (signal: AbortSignal) => Promise<number>;
  onFailure: (error: unknown) => void;
  sleep: RotatorDependencies['sleep'];
  longestPauseMs: number;
}

/** After failures, ever more seldom. */
const repeat = async ({ pass, onFailure, sleep, longestPauseMs }: Repetition, signal: AbortSignal) => {
  let failures = 0;
  while (!signal.aborted) {
    let pause = Math.min(longestPauseMs, RETRY_INTERVAL_MS * 2 ** failures);
    try {
      pause = await withDeadline(signal, PASS_DEADLINE_MS, pass);
      failures = 0;
    } catch (error) {
      failures += 1;
      if (!signal.aborted) onFailure(error);
    }
    await sleep(pause, signal).catch(() => undefined);
  }
};

/** Beside a new certificate the authority may be new as well, though it stood there before this process was. */
const trustFor = (cert: string, ledger: TrustLedger, at: Date): string => {
  const ageMs = at.getTime() - startOf(cert).getTime() - BACKDATE_MS;
  return ageMs < NEW_MS ? ledger.settled(at) : ledger.presumed(at);
};

/** @returns it in words */
const tellFailure = (log: Logger, error: unknown): string => {
  const failure = describeError(error).message;
  if (isConflict(error) || isInvalid(error)) log.info({ failure }, 'another replica was faster');
  else log.error({ err: error }, 'certificates could not be checked');
  return failure;
};

export const createRotator = (dependencies: RotatorDependencies): CertRotator => {
  const { reader, writer, log, now, sleep, namespace, webhookUrl, source, serve } = dependencies;
  const address = { namespace, webhookUrl };
  const names = servingNames(address);
  const registrar = createRegistrar({ reader, writer, log, now, address });
  const ledger = createTrustLedger();
  let served: ServingCertificate | undefined;
  let failure: string | undefined;
  let note: string | undefined;
  let registered = '';
  /** The certificate that API servers have been able to call by. */
  let learnt: string | undefined;

  const serveMaterial = ({ pair, bundle: ca = '' }: Material, at: Date): void => {
    if (served?.cert === pair.cert && served.key === pair.key) {
      served = { ...served, ca };
      return;
    }
    if (!isTimeFor(pair, { at, served, registered, settled: ledger.settled(at) })) return;
    served = { ...pair, ca, expiresAt: expiryOf(pair.cert) };
    serve(served);
    log.info({ expiresAt: served.expiresAt }, 'serving by a new certificate');
  };

  /** Trust first, then the certificate: the other way round calls would fail in between. */
  const pass = async (signal: AbortSignal): Promise<number> => {
    const at = new Date(now());
    registered = await registrar.read(signal);
    ledger.observe(registered, at);
    const settled = ledger.settled(at);
    const needed = registrar.overwritten() ? '' : registered;
    const material = await source.obtain({ at, names, served, registered: needed, settled }, signal);
    note = material.note;
    try {
      registered = await registrar.register(material.bundle, signal);
    } finally {
      serveMaterial(material, at);
    }
    failure = undefined;
    if (served !== undefined && isTrusted(served.cert, { bundle: trustFor(served.cert, ledger, at), at })) {
      learnt = served.cert;
    }
    const isSettled = sameCertificates(registered, settled) && served?.cert === material.pair.cert;
    return isSettled ? source.intervalMs : RETRY_INTERVAL_MS;
  };

  const onFailure = (error: unknown): void => void (failure = tellFailure(log, error));

  const problem = (): string | undefined => {
    if (served === undefined) return `no certificate yet${failure === undefined ? '' : `: ${failure}`}`;
    const at = new Date(now());
    if (served.expiresAt <= at) return `certificate expired at ${served.expiresAt.toISOString()}`;
    if (!isTrusted(served.cert, { bundle: registered, at })) {
      return registrar.problem() ?? `${CONFIGURATION_NAME} does not trust the certificate`;
    }
    // Not after each correction of the bundle: with no replica ready, all calls would fail.
    return learnt === served.cert
      ? undefined
      : `API servers are still learning what ${CONFIGURATION_NAME} trusts`;
  };

  return {
    run: (signal) => repeat({ pass, onFailure, sleep, longestPauseMs: source.intervalMs }, signal),
    current: () => served,
    problem,
    note: () => note ?? registrar.problem(),
  };
};
