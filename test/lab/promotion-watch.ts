import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Lab } from '../../lab/lab.ts';
import type { Deployment } from '../../src/core/objects.ts';
import { selfSigned } from './self-signed.ts';

interface Review {
  request: { uid: string; object: Deployment };
}

export interface PromotionWatch {
  /** Images that Kanari has asked to release, in order. */
  seen(): string[];
  stop(): Promise<void>;
}

const OWN = 'system:serviceaccount:kanari-system:kanari';

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
  const answered = async (body: string): Promise<object> => {
    const { uid, object } = (JSON.parse(body) as Review).request;
    const image = object.spec.template.spec.containers?.[0]?.image ?? '';
    // The API server asks once more for a patch that it applies anew to an object that has changed meanwhile.
    if (seen.at(-1) !== image) seen.push(image);
    if (due) {
      due = false;
      await meanwhile();
    }
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
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  const name = `promotions-in-${namespace}`;
  await lab.api.request('POST', path, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: 'promotions.kanari.test',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        timeoutSeconds: 30,
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: Buffer.from(identity.cert).toString('base64'),
        },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        matchConditions: [
          { name: 'kanari', expression: `request.userInfo.username == '${OWN}'` },
          {
            name: 'release',
            expression: 'oldObject.spec.?paused.orValue(false) && !object.spec.?paused.orValue(false)',
          },
        ],
        rules: [
          { operations: ['UPDATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] },
        ],
      },
    ],
  });
  return {
    seen: () => [...seen],
    stop: async () => {
      await lab.api.request('DELETE', `${path}/${name}`);
      server.close();
      server.closeAllConnections();
    },
  };
};
