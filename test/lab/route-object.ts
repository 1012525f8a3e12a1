import { annotationsOf, type JsonObject, type KubeObject, type StringMap } from '../../src/core/objects.ts';

export type RouteObject = KubeObject & { spec: JsonObject };

/** What users call theirs. */
export interface Look {
  kind: string;
  spec: JsonObject;
  labels: StringMap | undefined;
  annotations: StringMap;
}

/** Notes of client-side `kubectl apply` to itself. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export const lookOf = ({ kind, spec, metadata }: RouteObject): Look => {
  const { [LAST_APPLIED]: _, ...annotations } = annotationsOf({ metadata });
  return { kind, spec, labels: metadata.labels, annotations };
};

/** Who owns fields of the object. */
export const managersOf = ({ metadata }: RouteObject): string[] =>
  (metadata.managedFields ?? []).map((entry) => (entry as { manager: string }).manager);
