import type { KubeObject } from '../core/objects.ts';
import type { Reader, Writer } from '../kube/api.ts';
import { isConflict, isInvalid, isNotFound } from '../kube/errors.ts';
import type { ObjectRef } from '../kube/resources.ts';
import type { Keyring } from './keyring.ts';

export const SECRET_NAME = 'kanari-webhook-tls';

interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

/** The keyring as stored, with the version that a write must find; both undefined where there is none. */
export interface StoredKeyring {
  keyring: Keyring | undefined;
  resourceVersion: string | undefined;
}

export interface KeyringSecret {
  read: (signal: AbortSignal) => Promise<StoredKeyring>;
  /** False when another replica was faster: read again. */
  write: (keyring: Keyring, over: string | undefined, signal: AbortSignal) => Promise<boolean>;
}

const fromBase64 = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString('utf8');
const toBase64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

// Garbage decodes to garbage, which validity then finds out: there is one judge of what is good.
const decode = (data: Readonly<Record<string, string>>): Keyring => ({
  bundle: fromBase64(data['ca.crt']),
  authorityKey: fromBase64(data['ca.key']),
  leaf: { cert: fromBase64(data['tls.crt']), key: fromBase64(data['tls.key']) },
});

const encode = ({ bundle, authorityKey, leaf }: Keyring): Record<string, string> => ({
  'ca.crt': toBase64(bundle),
  'ca.key': toBase64(authorityKey),
  'tls.crt': toBase64(leaf.cert),
  'tls.key': toBase64(leaf.key),
});

/** The Secret that all replicas share; every write is guarded by the version that was read. */
export const createKeyringSecret = (reader: Reader, writer: Writer, namespace: string): KeyringSecret => {
  const ref: ObjectRef = { kind: 'Secret', namespace, name: SECRET_NAME };

  const read = async (signal: AbortSignal): Promise<StoredKeyring> => {
    try {
      const secret = await reader.get<Secret>(ref, { signal });
      const keyring = secret.data === undefined ? undefined : decode(secret.data);
      return { keyring, resourceVersion: secret.metadata.resourceVersion };
    } catch (error) {
      if (isNotFound(error)) return { keyring: undefined, resourceVersion: undefined };
      throw error;
    }
  };

  const create = (keyring: Keyring, signal: AbortSignal) => {
    const secret: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: SECRET_NAME, namespace },
      type: 'kubernetes.io/tls',
      data: encode(keyring),
    };
    return writer.create(secret, { signal });
  };

  const replace = (keyring: Keyring, resourceVersion: string, signal: AbortSignal) =>
    writer.jsonPatch(
      ref,
      [
        { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
        { op: 'add', path: '/data', value: encode(keyring) },
      ],
      { signal },
    );

  const write = async (keyring: Keyring, over: string | undefined, signal: AbortSignal): Promise<boolean> => {
    try {
      await (over === undefined ? create(keyring, signal) : replace(keyring, over, signal));
      return true;
    } catch (error) {
      if (isNotFound(error) || isConflict(error) || isInvalid(error)) return false;
      throw error;
    }
  };

  return { read, write };
};
