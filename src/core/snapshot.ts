import type { OperatorAlerts } from './alert.ts';
import type { CallAnswer } from './calls.ts';
import type { Reason } from './conditions.ts';
import type { PodCounters } from './counts.ts';
import type { CustomReading } from './custom-metric.ts';
import type {
  Deployment,
  DisruptionBudget,
  ObjectKey,
  ObjectMeta,
  Pod,
  PodTemplate,
  ReplicaSet,
  StringMap,
  Timestamp,
} from './objects.ts';
import type { Settings } from './release-settings.ts';
import type { CanaryStatus, Revision, TrafficLimit } from './run.ts';
import type { Share } from './share.ts';

// What `plan` decides from: everything the scheduler gathered about one Deployment, as plain data.

/** The Canary object (kanari.dev/v1alpha1): Kanari writes its status, people write only commands. */
export interface Canary {
  apiVersion: 'kanari.dev/v1alpha1';
  kind: 'Canary';
  metadata: ObjectMeta;
  status?: CanaryStatus;
}

/** What admission adds to a pod template that lacks it (existing keys of the user's always win). */
export interface Injection {
  labels: StringMap;
  annotations: StringMap;
}

/** Those who carry out a written split have yet to, or refuse to. */
export interface Outstanding {
  /** Who, and what is missing; for people. */
  message: string;
  /** They know of it: whether they like it or not, they work by no earlier form. */
  seen: boolean;
}

/** How the traffic of a Deployment stands, as read from its routes. */
export interface TrafficState {
  provider: 'istio' | 'gateway-api' | 'replicas' | 'none';
  /** Services whose traffic is split, by name. */
  services: string[];
  /** The primary's and the canary's pods can be addressed apart on every service. */
  destinations: boolean;
  /** Every route to every service carries the split, and it is in effect as far as its proxies tell. */
  split: boolean;
  /** The canary's share as it is written, when all routes agree on one; undefined when unsplit or in disagreement. */
  share: Share | undefined;
  /** What keeps a written split from being in effect; undefined: nothing, or proxies do not tell. */
  outstanding?: Outstanding;
  /** What keeps this traffic from being split at all: the run waits until it is gone. */
  obstacle?: { reason: Reason; message: string };
  /** What of it does not carry the split as it was written, and who wrote that last, in words; undefined: nothing. */
  rewritten?: string | undefined;
  /** No route carries anything of Kanari's. */
  routesRestored: boolean;
  /** No destination of Kanari's is left. */
  destinationsRemoved: boolean;
  /** Services of the canary's own by the Service they stand beside, where the two sides are Services. */
  canaryServices?: StringMap;
  /** What does not follow the share as asked; none: all does. */
  limits?: TrafficLimit[];
}

/** Ready endpoints of the split services, by the side their pod's labels put them on. */
export interface EndpointState {
  /** Ready endpoints of the primary's pods that carry the primary's label. */
  primary: number;
  /** Ready endpoints of the primary's pods that no destination of the split would reach. */
  primaryUnlabelled: number;
  /** Ready endpoints of the canary's pods of the current revision. */
  canary: number;
  /** Ready endpoints of canary pods of any revision. */
  canaryAny: number;
  /** One of the Services is so new that nobody has listed its endpoints yet: that it has none is not known. */
  unlisted?: true;
}

export type EvidenceReading =
  | {
      kind: 'samples';
      /** When the newest of them was scraped. */
      at: Timestamp;
      /** Name of the data plane that counted. */
      source?: string;
      pods: PodCounters[];
      /** Those of the primary's pods, where the canary is compared with them. */
      primary?: PodCounters[];
      /** The bucket edge, in milliseconds, that `slow` was counted at; the latency limit or the next edge above it. */
      latencyEdgeMs?: number;
    }
  /** The server answered, and has nothing (or nothing usable) about the canary. */
  | { kind: 'empty'; reason: string; message: string }
  /** The server could not be asked, or what it said could not be understood. */
  | { kind: 'unavailable'; reason: string; message: string }
  /** No metrics server is configured at all: Kubernetes' own signals decide. */
  | { kind: 'unconfigured' };

/** Defaults the operator has set for the whole process. */
export interface OperatorDefaults {
  /** What proxies need to learn a change. */
  propagationWaitMs: number;
  /** How often a run looks for new evidence. */
  lookIntervalMs: number;
  /** Undefined: there are no alert providers. */
  alerts?: OperatorAlerts;
}

/** A primary's template, kept so that it outlives its ReplicaSet. */
export interface KeptTemplate {
  name: string;
  uid: string;
  revision: Revision;
  template: PodTemplate;
}

export interface Snapshot {
  key: ObjectKey;
  /** Undefined once deleted. */
  deployment: Deployment | undefined;
  /** The Namespace's label opts in and the Deployment's does not opt out. */
  optedIn: boolean;
  settings: Settings;
  injection: Injection;
  /** Undefined before the first opt-in. */
  canary: Canary | undefined;
  /** ReplicaSets controlled by the Deployment (by UID). */
  replicaSets: ReplicaSet[];
  /** Pods of those ReplicaSets. */
  primaryPods: Pod[];
  /** The canary Deployment, controlled by the Deployment (by UID). */
  canaryDeployment: Deployment | undefined;
  canaryPods: Pod[];
  /** Names in the namespace that the canary Deployment can't have because a foreign object has them. */
  takenNames: string[];
  /** Templates of the Deployment that are kept as ControllerRevisions. */
  kept: KeptTemplate[];
  /** All of the namespace. */
  disruptionBudgets: DisruptionBudget[];
  traffic: TrafficState;
  endpoints: EndpointState;
  evidence: EvidenceReading;
  /** Those of `settings.metrics` that were asked about since the run has evidence. */
  customReadings: readonly CustomReading[];
  /** Calls of this Deployment's runs that have ended. */
  callAnswers: readonly CallAnswer[];
  /** A person's command to the run: `abort`, `promote`, `retry`. */
  command: string | undefined;
  operator: OperatorDefaults;
}
