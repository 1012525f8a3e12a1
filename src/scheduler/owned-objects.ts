import type { Effect } from '../core/effects.ts';
import { REVISION_ANNOTATION } from '../core/marks.ts';
import { type Deployment, type KubeObject, labelsOf, ownerReferenceTo } from '../core/objects.ts';
import type { Reader, Writer } from '../kube/api.ts';
import { isAlreadyExists, isNotFound } from '../kube/errors.ts';
import { withSortedKeys } from '../kube/go-json.ts';
import type { ResourceKind } from '../kube/resources.ts';

// Objects of Kanari's own that live and die with the user's Deployment, apart from its canary.

interface OwnedCall {
  ports: { reader: Reader; writer: Writer };
  deployment: Deployment;
  signal: AbortSignal;
}

/**
 * What has the name already and is owned by nobody was left by a Deployment deleted with orphan propagation: it would be
 * in the way for ever. One whose owner is just gone is collected without us. The next look creates ours.
 */
const clearLeftover = async ({ ports, signal }: OwnedCall, object: KubeObject): Promise<void> => {
  const { name, namespace = '' } = object.metadata;
  const ref = { kind: object.kind as ResourceKind, namespace, name };
  try {
    const { metadata } = await ports.reader.get(ref, { signal });
    if ((metadata.ownerReferences ?? []).length > 0 || metadata.uid === undefined) return;
    await ports.writer.delete(ref, { uid: metadata.uid, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
};

const createOwned = async (call: OwnedCall, object: KubeObject, clear = clearLeftover): Promise<void> => {
  try {
    await call.ports.writer.create(object, { signal: call.signal });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    await clear(call, object);
  }
};

const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'kanari' };

/** The templates kept for such a Deployment go before its Canary, which is what tells that there may be some. */
const clearLifeBefore = async (call: OwnedCall, canary: KubeObject): Promise<void> => {
  const { ports, deployment, signal } = call;
  const { name, namespace = '' } = deployment.metadata;
  const labelSelector = Object.entries(MANAGED_BY)
    .map((pair) => pair.join('='))
    .join(',');
  const kept = await ports.reader.list('ControllerRevision', { namespace, labelSelector, signal });
  const own = kept.filter(
    (object) => object.metadata.name === keptName(name, labelsOf(object)[REVISION_ANNOTATION]),
  );
  for (const object of own) await clearLeftover(call, { ...object, kind: 'ControllerRevision' });
  await clearLeftover(call, canary);
};

const keptName = (deployment: string, revision = ''): string => `${deployment}-${revision}`;

export const createCanary = (call: OwnedCall): Promise<void> => {
  const { name, namespace = '' } = call.deployment.metadata;
  const metadata = { name, namespace, ownerReferences: [ownerReferenceTo(call.deployment)] };
  const canary = { apiVersion: 'kanari.dev/v1alpha1', kind: 'Canary', metadata, spec: {} };
  return createOwned(call, canary, clearLifeBefore);
};

export const keepTemplate = (
  call: OwnedCall,
  { revision, template }: Extract<Effect, { kind: 'keepPrimaryTemplate' }>,
): Promise<void> => {
  const { name, namespace = '', generation = 1 } = call.deployment.metadata;
  const metadata = {
    name: keptName(name, revision),
    namespace,
    labels: { ...MANAGED_BY, [REVISION_ANNOTATION]: revision },
    ownerReferences: [ownerReferenceTo(call.deployment)],
  };
  // Its bytes are immutable: in any other order the API server refuses every later change of its metadata, and the
  // garbage collector could never let go of it when the Deployment is deleted with orphan propagation.
  const data = withSortedKeys({ spec: { template } });
  const kept = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, revision: generation, data };
  return createOwned(call, kept);
};
