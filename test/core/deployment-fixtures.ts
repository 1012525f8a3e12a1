import jsonpatch from 'fast-json-patch';
import { type AdmissionAnswer, type AdmissionInput, decideAdmission } from '../../src/core/admission.ts';
import { injectionFor } from '../../src/core/injection.ts';
import type { Deployment, Namespace, PodTemplate, ReplicaSet, StringMap } from '../../src/core/objects.ts';
import { revisionOf } from '../../src/core/revision.ts';

// Deployments as the API server hands them to a webhook, and what happens to them.

export const namespace = (labels: StringMap = {}, annotations: StringMap = {}): Namespace => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { 'kanari.dev/rollouts': 'enabled', ...labels }, annotations },
});

export const template = (
  image = 'web:v1',
  annotations: StringMap = {},
  labels: StringMap = {},
): PodTemplate => ({
  metadata: {
    labels: { app: 'web', ...labels },
    ...(Object.keys(annotations).length > 0 && { annotations }),
  },
  spec: { containers: [{ name: 'web', image }] },
});

/** The template as a hold or a release of Kanari's leaves it in a namespace without a mesh. */
export const injected = (image = 'web:v1', annotations: StringMap = {}): PodTemplate =>
  template(image, annotations, { 'kanari.dev/version': 'primary', version: 'primary' });

export const plainInjection = injectionFor({ sidecar: 'none' }, namespace());

export const revision = (image: string): string => revisionOf(template(image), plainInjection);

export interface Parts {
  template?: PodTemplate;
  paused?: boolean;
  annotations?: StringMap;
  spec?: Partial<Deployment['spec']>;
  status?: NonNullable<Deployment['status']>;
  metadata?: Partial<Deployment['metadata']>;
}

/** A healthy Deployment of 4 pods at v1, changed by `parts`. */
export const deployment = (parts: Parts = {}): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'u1',
    generation: 3,
    ...(parts.annotations && { annotations: parts.annotations }),
    ...parts.metadata,
  },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: 'web' } },
    revisionHistoryLimit: 10,
    strategy: { type: 'RollingUpdate' },
    template: parts.template ?? template(),
    ...(parts.paused !== undefined && { paused: parts.paused }),
    ...parts.spec,
  },
  status: parts.status ?? healthy,
});

export const healthy = { observedGeneration: 3, replicas: 4, updatedReplicas: 4, availableReplicas: 4 };

/** Held by Kanari at `image` while v1 serves; the canary has 20 %. */
export const heldAt = (image: string, parts: Parts = {}): Deployment =>
  deployment({
    paused: true,
    template: injected(image),
    status: { ...healthy, updatedReplicas: 0 },
    ...parts,
    annotations: {
      'kanari.dev/run': revision(image),
      'kanari.dev/primary': revision('web:v1'),
      'kanari.dev/weight': '20',
      'kanari.dev/held-by': 'webhook',
      ...parts.annotations,
    },
  });

/** The object with what a client sends laid over it. */
export const changed = (stored: Deployment, parts: Parts): Deployment => {
  return {
    ...stored,
    metadata: {
      ...stored.metadata,
      ...parts.metadata,
      annotations: { ...stored.metadata.annotations, ...parts.annotations },
    },
    spec: {
      ...stored.spec,
      ...(parts.paused !== undefined && { paused: parts.paused }),
      ...(parts.template && { template: parts.template }),
      ...parts.spec,
    },
  };
};

export const orphan = (image: string, replicas = 3, available = replicas): ReplicaSet => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: `web-${image.length}`, namespace: 'shop' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: template(image, {}, { 'pod-template-hash': 'abc' }),
  },
  status: { replicas, availableReplicas: available },
});

export const request = (input: Partial<AdmissionInput> & { object: Deployment }): AdmissionInput => ({
  operation: input.oldObject === undefined ? 'CREATE' : 'UPDATE',
  oldObject: undefined,
  namespace: namespace(),
  policies: [],
  username: 'alice',
  ownUsername: 'system:serviceaccount:kanari:kanari',
  replicaSets: [],
  metricsConfigured: true,
  callersOutsideMesh: false,
  ...input,
});

/** The object as it would be stored. */
export const stored = (object: Deployment, answer: AdmissionAnswer): Deployment =>
  answer.verdict === 'deny'
    ? object
    : jsonpatch.applyPatch(
        structuredClone(object),
        answer.patch as Parameters<typeof jsonpatch.applyPatch>[1],
      ).newDocument;

/** Asks, and applies the answer. */
export const admit = (
  input: Partial<AdmissionInput> & { object: Deployment },
): { answer: AdmissionAnswer; after: Deployment } => {
  const answer = decideAdmission(request(input));
  return { answer, after: stored(input.object, answer) };
};
