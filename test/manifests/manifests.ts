import { basename } from 'node:path';
import { documentsIn, manifestFiles } from './manifest-files.ts';

// What tests read of the manifests, by kind.

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}
interface WebhookRule {
  apiGroups: string[];
  resources: string[];
  operations: string[];
}
interface Webhook {
  name: string;
  clientConfig: { service: object };
  rules: WebhookRule[];
  namespaceSelector: object;
  matchConditions: { expression: string }[];
}

export interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  enum?: string[];
  minimum?: number;
  maximum?: number;
}

export interface CrdVersion {
  schema: { openAPIV3Schema: Schema };
  additionalPrinterColumns: { name: string; jsonPath: string; priority?: number }[];
  subresources: object;
}

/** What the tests read of any manifest; each kind has some of it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  rules: Rule[];
  webhooks: Webhook[];
  spec: {
    names: { kind: string };
    versions: CrdVersion[];
    failurePolicy: string;
    reinvocationPolicy: string;
    matchConstraints: { namespaceSelector: object; resourceRules: Rule[] };
    matchConditions: { name: string; expression: string }[];
    variables: { name: string; expression: string }[];
    policyName: string;
    validationActions: string[];
  };
}

export const isKustomization = (file: string): boolean => basename(file) === 'kustomization.yaml';
export const manifests = manifestFiles
  .filter((file) => !isKustomization(file))
  .flatMap((file) => documentsIn<Manifest>(file));
export const ofKind = (kind: string): Manifest[] => manifests.filter((manifest) => manifest.kind === kind);
export const theOnly = (kind: string): Manifest => {
  const [manifest, ...others] = ofKind(kind);
  if (manifest === undefined || others.length > 0) throw new Error(`expected one ${kind}`);
  return manifest;
};

/** The served version of a kind of Kanari's. */
export const definitionOf = (kind: string): CrdVersion => {
  const definition = ofKind('CustomResourceDefinition').find(({ spec }) => spec.names.kind === kind);
  const [version] = definition?.spec.versions ?? [];
  if (version === undefined) throw new Error(`no definition of ${kind}`);
  return version;
};

/** Paths of a schema that `kubectl explain` has no words for. */
export const undescribed = (schema: Schema, path: string): string[] => [
  ...(schema.description === undefined ? [path] : []),
  ...Object.entries(schema.properties ?? schema.items?.properties ?? {}).flatMap(([key, property]) =>
    undescribed(property, `${path}.${key}`),
  ),
];
