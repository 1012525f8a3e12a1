import type { KubeObject } from '../core/objects.ts';
import type { JsonPatchOperation, Reader, Writer } from '../kube/api.ts';
import { isConflict, isInvalid, isNotFound } from '../kube/errors.ts';
import type { ObjectRef } from '../kube/resources.ts';

/** Sorts after other webhooks, so that Kanari mostly sees the template as it will be stored. */
export const CONFIGURATION_NAME = 'zz-kanari';

const PATHS: Readonly<Record<string, string>> = {
  'deployments.kanari.dev': '/mutate',
  'routes.kanari.dev': '/mutate-routes',
};

interface ClientConfig {
  caBundle?: string;
  url?: string;
  service?: object;
}

interface WebhookConfiguration extends KubeObject {
  webhooks?: { name: string; clientConfig: ClientConfig }[];
}

export type Registration = 'current' | 'written' | 'conflict' | 'missing';

const operationsFor = (at: string, present: ClientConfig, wanted: { caBundle: string; url?: string }) => {
  const operations: JsonPatchOperation[] = [];
  if (present.caBundle !== wanted.caBundle) {
    operations.push({ op: 'add', path: `${at}/caBundle`, value: wanted.caBundle });
  }
  if (wanted.url === undefined) return operations;
  if (present.url !== wanted.url) operations.push({ op: 'add', path: `${at}/url`, value: wanted.url });
  // The API server wants exactly one of the two.
  if (present.service !== undefined) operations.push({ op: 'remove', path: `${at}/service` });
  return operations;
};

/** What to change so that the API server trusts the bundle, and calls the URL when one is given. Nothing else. */
const planRegistration = (
  configuration: WebhookConfiguration,
  bundle: string,
  webhookUrl: string | undefined,
): JsonPatchOperation[] => {
  const caBundle = Buffer.from(bundle, 'utf8').toString('base64');
  return (configuration.webhooks ?? []).flatMap(({ name, clientConfig }, index) => {
    const path = PATHS[name];
    const url = webhookUrl === undefined || path === undefined ? {} : { url: `${webhookUrl}${path}` };
    return operationsFor(`/webhooks/${index}/clientConfig`, clientConfig, { caBundle, ...url });
  });
};

/** Writes the bundle, and the URL if given, into every webhook of Kanari's configuration. */
export const createWebhookRegistration = (reader: Reader, writer: Writer, webhookUrl: string | undefined) => {
  const ref: ObjectRef = { kind: 'MutatingWebhookConfiguration', name: CONFIGURATION_NAME };
  return async (bundle: string, signal: AbortSignal): Promise<Registration> => {
    try {
      const configuration = await reader.get<WebhookConfiguration>(ref, { signal });
      const operations = planRegistration(configuration, bundle, webhookUrl);
      if (operations.length === 0) return 'current';
      const { resourceVersion } = configuration.metadata;
      const guard: JsonPatchOperation = {
        op: 'test',
        path: '/metadata/resourceVersion',
        value: resourceVersion,
      };
      await writer.jsonPatch(ref, [guard, ...operations], { signal });
      return 'written';
    } catch (error) {
      if (isNotFound(error)) return 'missing';
      if (isConflict(error) || isInvalid(error)) return 'conflict';
      throw error;
    }
  };
};
