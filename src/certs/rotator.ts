import type { Reader, Writer } from '../kube/api.ts';
import type { Logger } from '../telemetry/log.ts';
import type { KeyPair } from './authority.ts';
import { type Keyring, renewKeyring } from './keyring.ts';
import { createKeyringSecret, type KeyringSecret } from './keyring-secret.ts';
import { expiryOf } from './validity.ts';
import { CONFIGURATION_NAME, createWebhookRegistration, type Registration } from './webhook-registration.ts';

/** Name of the Service in front of the webhook. */
export const SERVICE_NAME = 'kanari';

const CHECK_INTERVAL_MS = 30_000;
// Until the first certificate there is no webhook at all: hurry.
const RETRY_INTERVAL_MS = 1_000;
const PASS_DEADLINE_MS = 15_000;
const WRITE_ATTEMPTS = 5;

/** PEM texts: what to serve with, and the bundle by which clients know it. */
export interface ServingCertificate extends KeyPair {
  ca: string;
  expiresAt: Date;
}

export interface CertRotator {
  /** Keeps Secret, webhook configuration and serving certificate right until the signal aborts. */
  run: (signal: AbortSignal) => Promise<void>;
  /** The certificate in use; undefined before the first. */
  current: () => ServingCertificate | undefined;
  /** Why the API server can't call the webhook yet, for readiness; undefined when it can. */
  problem: () => string | undefined;
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
  /** Called with every new certificate, after the API server was told to trust it. */
  serve: (certificate: ServingCertificate) => void;
}

/** DNS names and IP addresses by which the API server calls the webhook. */
const servingNames = (namespace: string, webhookUrl: string | undefined): string[] => {
  const service = `${SERVICE_NAME}.${namespace}.svc`;
  if (webhookUrl === undefined) return [service];
  return [service, new URL(webhookUrl).hostname.replace(/^\[|\]$/g, '')];
};

/** The stored keyring, renewed first if it needs to be; whichever replica wrote first wins. */
const createKeyringSource = (
  secret: KeyringSecret,
  { log, now, names }: Pick<RotatorDependencies, 'log' | 'now'> & { names: readonly string[] },
) => {
  return async (signal: AbortSignal): Promise<Keyring> => {
    for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt += 1) {
      const stored = await secret.read(signal);
      const renewed = await renewKeyring(stored.keyring, names, new Date(now()));
      if (renewed === undefined && stored.keyring !== undefined) return stored.keyring;
      if (renewed !== undefined && (await secret.write(renewed.keyring, stored.resourceVersion, signal))) {
        log.info({ ...renewed.change, names }, 'certificates renewed');
        return renewed.keyring;
      }
    }
    throw new Error(`the Secret of certificates changed ${WRITE_ATTEMPTS} times while it was written`);
  };
};

export const createRotator = (dependencies: RotatorDependencies): CertRotator => {
  const { reader, writer, log, now, sleep, namespace, webhookUrl, serve } = dependencies;
  const names = servingNames(namespace, webhookUrl);
  const obtainKeyring = createKeyringSource(createKeyringSecret(reader, writer, namespace), {
    log,
    now,
    names,
  });
  const register = createWebhookRegistration(reader, writer, webhookUrl);
  let serving: ServingCertificate | undefined;
  let registration: Registration | undefined;
  const isRegistered = (): boolean => registration === 'current' || registration === 'written';

  const registerBundle = async (bundle: string, signal: AbortSignal): Promise<void> => {
    const before = registration;
    registration = await register(bundle, signal);
    if (registration === 'written') log.info({ configuration: CONFIGURATION_NAME }, 'webhook registered');
    if (registration !== before && !isRegistered()) {
      log.warn({ configuration: CONFIGURATION_NAME, registration }, 'webhook not registered');
    }
  };

  const serveLeaf = ({ leaf, bundle }: Keyring): void => {
    if (serving?.cert === leaf.cert && serving.ca === bundle) return;
    serving = { ...leaf, ca: bundle, expiresAt: expiryOf(leaf.cert) };
    serve(serving);
  };

  /** Trust first, then the certificate: the other way round calls would fail in between. */
  const pass = async (signal: AbortSignal): Promise<void> => {
    const keyring = await obtainKeyring(signal);
    try {
      await registerBundle(keyring.bundle, signal);
    } finally {
      serveLeaf(keyring);
    }
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        await pass(AbortSignal.any([signal, AbortSignal.timeout(PASS_DEADLINE_MS)]));
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'certificates could not be checked');
      }
      const pause = serving === undefined || !isRegistered() ? RETRY_INTERVAL_MS : CHECK_INTERVAL_MS;
      await sleep(pause, signal).catch(() => undefined);
    }
  };

  const problem = (): string | undefined => {
    if (serving === undefined) return 'no certificate yet';
    if (serving.expiresAt.getTime() <= now())
      return `certificate expired at ${serving.expiresAt.toISOString()}`;
    return isRegistered()
      ? undefined
      : `the webhook configuration ${CONFIGURATION_NAME} does not trust the certificate`;
  };

  return { run, current: () => serving, problem };
};
