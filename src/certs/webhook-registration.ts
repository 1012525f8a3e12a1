import { FIELD_MANAGER } from '../core/marks.ts';
import type { Json, KubeObject } from '../core/objects.ts';
import type { JsonPatchOperation, Reader, Writer } from '../kube/api.ts';
import { isNotFound } from '../kube/errors.ts';
import { unchangedSince } from '../kube/resource-version.ts';
import type { ObjectRef } from '../kube/resources.ts';
import { sameCertificates, splitBundle } from './validity.ts';

/** Sorts after other webhooks, so that Kanari mostly sees the template as it will be stored. */
export const CONFIGURATION_NAME = 'zz-kanari';
/** Name of the Service in front of the webhook. */
export const SERVICE_NAME = 'kanari';

const SERVICE_PORT = 443;
const REF: ObjectRef = { kind: 'MutatingWebhookConfiguration', name: CONFIGURATION_NAME };

const PATHS: Readonly<Record<string, string>> = {
  'deployments.kanari.dev': '/mutate',
  'routes.kanari.dev': '/mutate-routes',
};

interface ClientConfig {
  caBundle?: string;
  url?: string;
  service?: object;
}

export interface WebhookConfiguration extends KubeObject {
  webhooks?: { name: string; clientConfig: ClientConfig }[];
}

/** How the API server is to call the webhook. */
export interface Address {
  /** Kanari's own namespace. */
  namespace: string;
  /** Undefined: through the Service. No trailing slash. */
  webhookUrl: string | undefined;
}

const decodeBundle = ({ caBundle }: ClientConfig): string =>
  Buffer.from(caBundle ?? '', 'base64').toString('utf8');

/** DNS names and IP addresses by which the API server calls the webhook. */
export const servingNames = ({ namespace, webhookUrl }: Address): string[] => {
  const service = `${SERVICE_NAME}.${namespace}.svc`;
  if (webhookUrl === undefined) return [service];
  return [service, new URL(webhookUrl).hostname.replace(/^\[|\]$/g, '')];
};

/** What every webhook of the configuration trusts, as PEM texts one after the other. */
export const registeredBundle = (configuration: WebhookConfiguration | undefined): string => {
  const [first, ...others] = (configuration?.webhooks ?? []).map(({ clientConfig }) =>
    splitBundle(decodeBundle(clientConfig)),
  );
  return (first ?? []).filter((cert) => others.every((certs) => certs.includes(cert))).join('');
};

/** Who else has written a caBundle or an address, by the names of their field managers. */
export const otherManagers = (configuration: WebhookConfiguration): string[] => {
  const entries = (configuration.metadata.managedFields ?? []) as { manager?: string; fieldsV1?: Json }[];
  return entries
    .filter(({ fieldsV1 }) => /"f:(caBundle|url|service)"/.test(JSON.stringify(fieldsV1 ?? null)))
    .flatMap(({ manager }) => (manager === undefined || manager === FIELD_MANAGER ? [] : [manager]));
};

const addressOperations = (at: string, present: ClientConfig, path: string, address: Address) => {
  const { namespace, webhookUrl } = address;
  const operations: JsonPatchOperation[] = [];
  if (webhookUrl !== undefined) {
    const url = `${webhookUrl}${path}`;
    if (present.url !== url) operations.push({ op: 'add', path: `${at}/url`, value: url });
    // The API server wants exactly one of the two.
    if (present.service !== undefined) operations.push({ op: 'remove', path: `${at}/service` });
  } else if (present.url !== undefined) {
    const service = { namespace, name: SERVICE_NAME, path, port: SERVICE_PORT };
    operations.push(
      { op: 'remove', path: `${at}/url` },
      { op: 'add', path: `${at}/service`, value: service },
    );
  }
  return operations;
};

/**
 * What to change so that the API server trusts the bundle (undefined: leave that to others) and calls the address: the
 * URL, or the Service again where a URL was left behind. Nothing else.
 */
export const planRegistration = (
  configuration: WebhookConfiguration,
  bundle: string | undefined,
  address: Address,
): JsonPatchOperation[] =>
  (configuration.webhooks ?? []).flatMap(({ name, clientConfig }, index) => {
    const at = `/webhooks/${index}/clientConfig`;
    const path = PATHS[name];
    const operations = path === undefined ? [] : addressOperations(at, clientConfig, path, address);
    if (bundle !== undefined && !sameCertificates(decodeBundle(clientConfig), bundle)) {
      const value = Buffer.from(bundle, 'utf8').toString('base64');
      operations.push({ op: 'add', path: `${at}/caBundle`, value });
    }
    return operations;
  });

/** Undefined where there is none. */
export const readConfiguration = async (
  reader: Reader,
  signal: AbortSignal,
): Promise<WebhookConfiguration | undefined> => {
  try {
    return await reader.get<WebhookConfiguration>(REF, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
};

/** Writes over exactly the state that was read: throws KubeError 422 where another was faster. */
export const writeConfiguration = async (
  writer: Writer,
  configuration: WebhookConfiguration,
  operations: JsonPatchOperation[],
  signal: AbortSignal,
): Promise<void> => {
  await writer.jsonPatch(REF, [unchangedSince(configuration), ...operations], { signal });
};
