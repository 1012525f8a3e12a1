import type { Logger } from '../telemetry/log.ts';
import type { CertificateSource, Circumstances, Material } from './certificate-source.ts';
import { idleAuthorities, type Keyring, MOST_AUTHORITIES, renewKeyring } from './keyring.ts';
import type { KeyringSecret, StoredKeyring } from './keyring-secret.ts';
import { createRetirement } from './retirement.ts';
import { authoritiesToKeep, splitBundle } from './validity.ts';

// Below 30 s, the longest that a foreign change of the webhook configuration may stand.
const INTERVAL_MS = 20_000;
const WRITE_ATTEMPTS = 5;

/** What is registered stays, though the Secret lacks it: another replica may serve by it, from files or a Secret before. */
const materialOf = (
  { leaf, bundle }: Keyring,
  { registered, at }: Circumstances,
  retired: readonly string[],
): Material => {
  const kept = authoritiesToKeep(registered, at).filter((cert) => !retired.includes(cert));
  const trusted = [...new Set([...splitBundle(bundle), ...kept])].slice(0, MOST_AUTHORITIES);
  return { pair: leaf, bundle: trusted.join('') };
};

/** Certificates that Kanari issues itself, in the Secret of all replicas; whichever replica wrote first wins. */
export const createKeyringSource = (secret: KeyringSecret, log: Logger): CertificateSource => {
  const retirement = createRetirement();

  /** What to go by, or undefined when another replica wrote in between. */
  const renew = async (
    { keyring, resourceVersion }: StoredKeyring,
    circumstances: Circumstances,
    signal: AbortSignal,
  ): Promise<Material | undefined> => {
    const idle = keyring === undefined ? [] : idleAuthorities(keyring, circumstances);
    const retired = retirement.due(idle, circumstances.at);
    const renewed = await renewKeyring(keyring, circumstances, retired);
    if (renewed === undefined) return keyring && materialOf(keyring, circumstances, retired);
    if (!(await secret.write(renewed.keyring, resourceVersion, signal))) return undefined;
    log.info({ ...renewed.change, names: circumstances.names }, 'certificates renewed');
    return materialOf(renewed.keyring, circumstances, retired);
  };

  return {
    intervalMs: INTERVAL_MS,
    obtain: async (circumstances, signal) => {
      for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt += 1) {
        const material = await renew(await secret.read(signal), circumstances, signal);
        if (material !== undefined) return material;
      }
      throw new Error(`the Secret of certificates could not be written ${WRITE_ATTEMPTS} times in a row`);
    },
  };
};
