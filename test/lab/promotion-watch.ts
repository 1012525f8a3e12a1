import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Lab } from '../../lab/lab.ts';
import type { Deployment, KubeObject } from '../../src/core/objects.ts';
import { selfSigned } from './self-signed.ts';
import { eventually } from './shop.ts';

interface Review {
  request: { uid: string; object: Deployment | Probe };
}

/** A ConfigMap in a dry run: that it is asked about shows that the API server knows of the webhook. */
type Probe = KubeObject & { kind: 'ConfigMap' };

export interface PromotionWatch {
  /** Images that Kanari has asked to release, in order. */
  seen(): string[];
  stop(): Promise<void>;
}

const OWN = 'system:serviceaccount:kanari-system:kanari';
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

const configurationOf = (namespace: string, clientConfig: object): KubeObject & { webhooks: object[] } => {
  const webhook = {
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Fail',
    timeoutSeconds: 30,
    clientConfig,
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  };
  const matchConditions = [
    { name: 'kanari', expression: `request.userInfo.username == '${OWN}'` },
    {
      name: 'release',
      expression: 'oldObject.spec.?paused.orValue(false) && !object.spec.?paused.orValue(false)',
    },
  ];
  const ruleOf = (operation: string, apiGroup: string, resource: string) => [
    { operations: [operation], apiGroups: [apiGroup], apiVersions: ['v1'], resources: [resource] },
  ];
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: `promotions-in-${namespace}` },
    webhooks: [
      {
        ...webhook,
        name: 'promotions.kanari.test',
        matchConditions,
        rules: ruleOf('UPDATE', 'apps', 'deployments'),
      },
      { ...webhook, name: 'probes.kanari.test', rules: ruleOf('CREATE', '', 'configmaps') },
    ],
  };
};

/** Resolves once the API server asks: it hears of a webhook some time after it was registered. */
const isAsked = ({ api }: Lab, namespace: string, asked: () => boolean): Promise<void> =>
  eventually(async () => {
    const probe = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'probe' } };
    await api.request('POST', `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`, probe);
    if (!asked()) throw new Error('the API server does not ask yet');
  });

/**
 * An admission webhook of the API server that stops Kanari's first release in a namespace on its way, does something
 * meanwhile, and lets the request go on: whatever it tests must hold when it is stored, not when it was sent.
 */
export const watchPromotions = async (
  lab: Lab,
  namespace: string,
  meanwhile: () => Promise<void>,
): Promise<PromotionWatch> => {
  const identity = selfSigned();
  const seen: string[] = [];
  let due = true;
  let asked = false;
  const saw = async (object: Deployment): Promise<void> => {
    const image = object.spec.template.spec.containers?.[0]?.image ?? '';
    // The API server asks once more for a patch that it applies anew to an object that has changed meanwhile.
    if (seen.at(-1) !== image) seen.push(image);
    if (!due) return;
    due = false;
    await meanwhile();
  };
  const answered = async (body: string): Promise<object> => {
    const { uid, object } = (JSON.parse(body) as Review).request;
    if (object.kind === 'ConfigMap') asked = true;
    else await saw(object as Deployment);
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } };
  };
  const server = createServer(identity, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      void answered(Buffer.concat(chunks).toString()).then((review) => response.end(JSON.stringify(review)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const caBundle = Buffer.from(identity.cert).toString('base64');
  const configuration = configurationOf(namespace, { url: `https://127.0.0.1:${port}/`, caBundle });
  await lab.api.request('POST', CONFIGURATIONS, configuration);
  await isAsked(lab, namespace, () => asked);
  return {
    seen: () => [...seen],
    stop: async () => {
      await lab.api.request('DELETE', `${CONFIGURATIONS}/${configuration.metadata.name}`);
      server.close();
      server.closeAllConnections();
    },
  };
};
