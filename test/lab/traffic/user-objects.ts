import { type KubeObject, labelsOf } from '../../../src/core/objects.ts';
import type { Column } from './column.ts';

// What the user has in a namespace beside the Deployment: Kanari changes it for the time of a run only.

const ALWAYS = ['/api/v1/namespaces/{namespace}/services'];

const isKanaris = (object: KubeObject): boolean =>
  labelsOf(object)['app.kubernetes.io/managed-by'] === 'kanari';

const objectsOf = async (column: Column, namespace: string): Promise<KubeObject[]> => {
  const { api } = column.world().lab;
  const paths = [...ALWAYS, ...column.routes].map((path) => path.replace('{namespace}', namespace));
  const lists = await Promise.all(paths.map((path) => api.request<{ items: KubeObject[] }>('GET', path)));
  return lists.flatMap(({ items }) => items);
};

/** Spec, labels and annotations, byte for byte, and who owns a field: what must be the same again after a run. */
export const userObjects = async (column: Column, namespace: string): Promise<string[]> =>
  (await objectsOf(column, namespace))
    .filter((object) => !isKanaris(object))
    .map(({ metadata: { name, labels, annotations }, ...object }) =>
      JSON.stringify({ name, labels, annotations, spec: (object as { spec?: unknown }).spec }),
    )
    .sort();

/** Objects of Kanari's own, and those of the user's in which it owns a field; by path and name. */
export const tracesOfKanari = async (column: Column, namespace: string): Promise<string[]> =>
  (await objectsOf(column, namespace))
    .filter((object) => isKanaris(object) || JSON.stringify(object.metadata).includes('kanari'))
    .map(({ kind = 'object', metadata }) => `${kind} ${metadata.name}`);
