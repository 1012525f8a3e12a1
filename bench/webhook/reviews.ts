import type { Deployment } from '../../src/core/objects.ts';
import { SIZES, serving } from '../shop.ts';

export interface Scenario {
  name: string;
  object: Deployment;
  /** An AdmissionReview as the API server sends it. */
  body: Buffer;
}

const reviewOf = (object: Deployment, oldObject: Deployment): Buffer =>
  Buffer.from(
    JSON.stringify({
      kind: 'AdmissionReview',
      apiVersion: 'admission.k8s.io/v1',
      request: {
        uid: '5f1c2a34-7f0e-4d39-9d4e-1c8f0e9d3b11',
        kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
        resource: { group: 'apps', version: 'v1', resource: 'deployments' },
        requestKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
        requestResource: { group: 'apps', version: 'v1', resource: 'deployments' },
        name: object.metadata.name,
        namespace: object.metadata.namespace,
        operation: 'UPDATE',
        userInfo: { username: 'jo', groups: ['system:authenticated'] },
        object,
        oldObject,
        dryRun: false,
        options: { kind: 'PatchOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'kubectl' },
      },
    }),
  );

const scenario = (name: string, tag: string, bytes: number): Scenario => {
  const object = serving(tag, bytes);
  return { name, object, body: reviewOf(object, serving('v1', bytes)) };
};

/** A new template, which is held, and one that is what runs already. */
export const SCENARIOS: readonly Scenario[] = Object.entries(SIZES).flatMap(([size, bytes]) => [
  scenario(`hold, ${size}`, 'v2', bytes),
  scenario(`same template, ${size}`, 'v1', bytes),
]);
