import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KubeObject } from '../../src/core/objects.ts';
import { decideRoute } from '../../src/core/route-admission.ts';
import { selfSigned } from './self-signed.ts';

interface Review {
  request: {
    uid: string;
    operation: 'CREATE' | 'UPDATE';
    object: KubeObject;
    oldObject: KubeObject | null;
    userInfo: { username: string };
  };
}

const answer = (review: Review, ownUsername: string): object => {
  const { uid, operation, object, oldObject, userInfo } = review.request;
  const { patch, warnings } = decideRoute({
    operation,
    object,
    oldObject: oldObject ?? undefined,
    username: userInfo.username,
    ownUsername,
  });
  const encoded = Buffer.from(JSON.stringify(patch)).toString('base64');
  const changes = patch.length === 0 ? {} : { patchType: 'JSONPatch', patch: encoded };
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true, warnings, ...changes },
  };
};

export interface RouteWebhook {
  /** To register at the API server. */
  configuration: KubeObject & { webhooks: object[] };
  stop(): void;
}

/** Only the decision behind a bare server, so that this part is tested without the rest of Kanari. */
export const startRouteWebhook = async (ownUsername: string): Promise<RouteWebhook> => {
  const identity = selfSigned();
  const server = createServer(identity, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer(review, ownUsername)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const webhook = {
    name: 'routes.kanari.dev',
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Ignore',
    // As patient as may be: unanswered, a request passes without its split.
    timeoutSeconds: 30,
    clientConfig: {
      url: `https://127.0.0.1:${port}/`,
      caBundle: Buffer.from(identity.cert).toString('base64'),
    },
    rules: [
      {
        operations: ['CREATE', 'UPDATE'],
        apiGroups: ['networking.istio.io'],
        apiVersions: ['v1'],
        resources: ['virtualservices', 'destinationrules'],
      },
    ],
  };
  return {
    configuration: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'kanari-routes' },
      webhooks: [webhook],
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
