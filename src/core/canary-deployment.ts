import { createHash } from 'node:crypto';
import {
  CANARY,
  MANAGED_BY_LABEL,
  PLAIN_VERSION_LABEL,
  PRIMARY,
  REVISION_ANNOTATION,
  VERSION_LABEL,
} from './marks.ts';
import {
  annotationsOf,
  type Deployment,
  labelsOf,
  ownerReferenceTo,
  type PodTemplate,
  type StringMap,
} from './objects.ts';
import type { Revision } from './run.ts';

// Labels and annotations by which Helm, Argo CD, Flux and kubectl know what is theirs: a copy that carries them
// would be pruned, diffed or adopted by those tools.
const TRACKING_PREFIXES = [
  'meta.helm.sh/',
  'helm.sh/',
  'argocd.argoproj.io/',
  'kustomize.toolkit.fluxcd.io/',
  'helm.toolkit.fluxcd.io/',
  'kubectl.kubernetes.io/',
  'deployment.kubernetes.io/',
  'kanari.dev/',
];
const TRACKING_KEYS = [MANAGED_BY_LABEL, 'app.kubernetes.io/instance', 'objectset.rio.cattle.io/hash'];

// A Deployment's name also ends up in its ReplicaSets' and pods' names and in label values: 63 is the label limit.
const MAX_NAME = 63;
const SUFFIX = '-canary';

const isTracking = (key: string): boolean =>
  TRACKING_KEYS.includes(key) || TRACKING_PREFIXES.some((prefix) => key.startsWith(prefix));

/** Labels or annotations without those by which tools know their own. */
export const withoutTracking = (map: StringMap | undefined): StringMap =>
  Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !isTracking(key)));

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/**
 * Name of the canary Deployment: `<name>-canary`, cut to 63 with a hash, or one with a hash when that name is taken.
 * @param taken names in the namespace that belong to somebody else
 */
export const canaryNameOf = (name: string, taken: readonly string[] = []): string => {
  const plain = `${name}${SUFFIX}`;
  if (plain.length <= MAX_NAME && !taken.includes(plain)) return plain;
  const tail = `-${shortHash(name)}${SUFFIX}`;
  return `${name.slice(0, MAX_NAME - tail.length)}${tail}`;
};

// The pods keep every label of the user's: a Service may select by any of them, tracking labels included.
const canaryTemplate = (deployment: Deployment, revision: Revision): PodTemplate => {
  const { template } = deployment.spec;
  const labels = { ...template.metadata?.labels };
  if (labels[PLAIN_VERSION_LABEL] === PRIMARY) labels[PLAIN_VERSION_LABEL] = CANARY;
  return {
    ...template,
    metadata: {
      labels: { ...labels, [VERSION_LABEL]: CANARY },
      annotations: { ...template.metadata?.annotations, [REVISION_ANNOTATION]: revision },
    },
  };
};

/** A canary Deployment as made below, whoever owns it now. */
export const isCanaryDeployment = (deployment: Deployment): boolean =>
  deployment.spec.selector.matchLabels?.[VERSION_LABEL] === CANARY &&
  labelsOf(deployment)[MANAGED_BY_LABEL] === 'kanari' &&
  REVISION_ANNOTATION in annotationsOf(deployment);

export interface CanarySize {
  name: string;
  revision: Revision;
  replicas: number;
}

/** The canary Deployment as it is server-side applied: the held template under its own name and label. */
export const canaryDeploymentOf = (
  deployment: Deployment,
  { name, revision, replicas }: CanarySize,
): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name,
    namespace: deployment.metadata.namespace ?? 'default',
    labels: { ...withoutTracking(deployment.metadata.labels), [MANAGED_BY_LABEL]: 'kanari' },
    annotations: { [REVISION_ANNOTATION]: revision },
    ownerReferences: [ownerReferenceTo(deployment)],
  },
  spec: {
    replicas,
    selector: {
      ...deployment.spec.selector,
      matchLabels: { ...deployment.spec.selector.matchLabels, [VERSION_LABEL]: CANARY },
    },
    template: canaryTemplate(deployment, revision),
    ...(deployment.spec.minReadySeconds === undefined
      ? {}
      : { minReadySeconds: deployment.spec.minReadySeconds }),
    // A superseded run replaces the template while the canary has no traffic: no surge, no second set of pods.
    revisionHistoryLimit: 0,
  },
});
