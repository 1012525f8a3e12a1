// Shapes of the Kubernetes objects that the core reads. Only the fields read are named; whatever else an object
// carries stays on it untouched (objects are raw JSON everywhere, never rebuilt from these types).

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined };
export type JsonObject = { [key: string]: Json | undefined };
export type StringMap = { [key: string]: string };

/** RFC 3339, UTC, as the API server writes it. Parsed where it is compared, kept as a string everywhere else. */
export type Timestamp = string;

/** `namespace/name` of an object; the key of queues and stores. */
export type ObjectKey = `${string}/${string}`;

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: Timestamp | null;
  deletionTimestamp?: Timestamp;
  labels?: StringMap;
  annotations?: StringMap;
  ownerReferences?: OwnerReference[];
  managedFields?: Json[];
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

export interface Namespace extends KubeObject {
  status?: { phase?: string };
}

export interface LabelSelector {
  matchLabels?: StringMap;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

export interface PodTemplate {
  metadata?: { labels?: StringMap; annotations?: StringMap; creationTimestamp?: null };
  spec: JsonObject & {
    containers?: (JsonObject & { name: string; image?: string })[];
  };
}

/** A condition of a Deployment or of a Canary. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastTransitionTime?: Timestamp;
  lastUpdateTime?: Timestamp;
  observedGeneration?: number;
}

export interface Deployment extends KubeObject {
  spec: {
    replicas?: number;
    paused?: boolean;
    selector: LabelSelector;
    template: PodTemplate;
    strategy?: {
      type?: string;
      rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string };
    };
    revisionHistoryLimit?: number;
    progressDeadlineSeconds?: number;
    minReadySeconds?: number;
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    unavailableReplicas?: number;
    conditions?: Condition[];
  };
}

export interface ReplicaSet extends KubeObject {
  spec: { replicas?: number; selector: LabelSelector; template: PodTemplate };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
  };
}

/** How a container's process ended. */
export interface Termination {
  exitCode?: number;
  /** The kubelet's word: `Error`, `OOMKilled`, `Completed`. */
  reason?: string;
}

export interface ContainerStatus {
  name: string;
  image?: string;
  ready?: boolean;
  restartCount?: number;
  state?: { running?: object; waiting?: { reason?: string; message?: string }; terminated?: Termination };
  /** The process before the one of now. */
  lastState?: { terminated?: Termination };
}

export interface Pod extends KubeObject {
  spec?: { nodeName?: string };
  status?: {
    phase?: string;
    podIP?: string;
    /** When the kubelet first saw it. */
    startTime?: Timestamp;
    conditions?: Condition[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
}

export interface Service extends KubeObject {
  spec?: {
    type?: string;
    selector?: StringMap;
    clusterIP?: string;
    clusterIPs?: string[];
    ipFamilies?: string[];
    ipFamilyPolicy?: string;
    ports?: {
      name?: string;
      port: number;
      protocol?: string;
      appProtocol?: string;
      targetPort?: number | string;
      nodePort?: number;
    }[];
  };
}

export interface EndpointSlice extends KubeObject {
  endpoints?: {
    addresses: string[];
    conditions?: { ready?: boolean | null; serving?: boolean | null; terminating?: boolean | null };
    targetRef?: { kind?: string; name?: string; namespace?: string; uid?: string };
  }[];
  ports?: { name?: string; port?: number; protocol?: string }[];
}

export interface DisruptionBudget extends KubeObject {
  spec?: { selector?: LabelSelector; minAvailable?: number | string; maxUnavailable?: number | string };
}

/** A template as Kanari keeps it. */
export interface ControllerRevision extends KubeObject {
  data?: { spec?: { template?: PodTemplate } };
}

/** `namespace/name` of a namespaced object. */
export const keyOf = (object: { metadata: { namespace?: string; name: string } }): ObjectKey =>
  `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

export const annotationsOf = (object: { metadata: { annotations?: StringMap } }): StringMap =>
  object.metadata.annotations ?? {};

export const labelsOf = (object: { metadata: { labels?: StringMap } }): StringMap =>
  object.metadata.labels ?? {};

/** The controlling owner's reference, if there is one. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true);

/** For objects that live and die with the Deployment. */
export const ownerReferenceTo = ({ metadata }: Deployment): OwnerReference => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  name: metadata.name,
  uid: metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});
