import type { Logger } from '../telemetry/log.ts';
import type { CertificateSource, Circumstances, Material } from './certificate-source.ts';
import { type Keyring, renewKeyring } from './keyring.ts';
import type { KeyringSecret, StoredKeyring } from './keyring-secret.ts';

// Below 30 s, the longest that a foreign change of the webhook configuration may stand.
const INTERVAL_MS = 20_000;
const WRITE_ATTEMPTS = 5;

const materialOf = ({ leaf, bundle }: Keyring): Material => ({ pair: leaf, bundle });

/** Certificates that Kanari issues itself, in the Secret of all replicas; whichever replica wrote first wins. */
export const createKeyringSource = (secret: KeyringSecret, log: Logger): CertificateSource => {
  /** The keyring to go by, or undefined when another replica wrote in between. */
  const renew = async (
    stored: StoredKeyring,
    circumstances: Circumstances,
    signal: AbortSignal,
  ): Promise<Keyring | undefined> => {
    const renewed = await renewKeyring(stored.keyring, circumstances);
    if (renewed === undefined) return stored.keyring;
    if (!(await secret.write(renewed.keyring, stored.resourceVersion, signal))) return undefined;
    log.info({ ...renewed.change, names: circumstances.names }, 'certificates renewed');
    return renewed.keyring;
  };

  return {
    intervalMs: INTERVAL_MS,
    obtain: async (circumstances, signal) => {
      for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt += 1) {
        const keyring = await renew(await secret.read(signal), circumstances, signal);
        if (keyring !== undefined) return materialOf(keyring);
      }
      throw new Error(`the Secret of certificates could not be written ${WRITE_ATTEMPTS} times in a row`);
    },
  };
};
