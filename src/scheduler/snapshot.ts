import type { CallAnswer } from '../core/calls.ts';
import { canaryNameOf } from '../core/canary-deployment.ts';
import type { CustomReading } from '../core/custom-metric.ts';
import { restoreService } from '../core/gateway-api/service.ts';
import { injectionFor } from '../core/injection.ts';
import { COMMAND_ANNOTATION, REVISION_ANNOTATION } from '../core/marks.ts';
import {
  annotationsOf,
  type Deployment,
  labelsOf,
  type Namespace,
  type ObjectKey,
  ownerReferenceTo,
  type Pod,
  type ReplicaSet,
  type Service,
} from '../core/objects.ts';
import { isOptedIn } from '../core/opt-in.ts';
import type { Settings } from '../core/release-settings.ts';
import { isOwn } from '../core/route-change.ts';
import type { Canary, EvidenceReading, KeptTemplate, OperatorDefaults, Snapshot } from '../core/snapshot.ts';
import type { TrafficRouter, TrafficTarget } from '../traffic/router.ts';
import { endpointsOf } from './endpoints.ts';
import { evidenceOfRun } from './evidence-of-run.ts';
import { settingsFor } from './settings.ts';
import type { Stores } from './stores.ts';

export interface SnapshotSources {
  stores: Stores;
  /** The router for a Deployment's traffic. */
  routerFor: (at: {
    key: ObjectKey;
    settings: Settings;
    namespace: Namespace;
    services: Service[];
  }) => TrafficRouter;
  /** The newest reading about the canary of this Deployment. */
  evidenceOf: (key: ObjectKey) => EvidenceReading;
  customReadingsOf: (key: ObjectKey) => CustomReading[];
  callAnswersOf: (key: ObjectKey) => CallAnswer[];
  /** The Canary as last written, when the cache is behind. */
  latestCanary: (key: ObjectKey) => Canary | undefined;
  operator: OperatorDefaults;
}

/** A snapshot, and the traffic it was read through: effects write through the same. */
export interface Gathered {
  snapshot: Snapshot;
  router: TrafficRouter;
  target: TrafficTarget;
}

const splitKey = (key: ObjectKey): { namespace: string; name: string } => {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
};

/** Services through which clients reach the pods: those whose selector matches the template's labels. */
const servicesOf = (stores: Stores, deployment: Deployment | undefined, settings: Settings): Service[] => {
  if (deployment === undefined) return [];
  const labels = deployment.spec.template.metadata?.labels ?? {};
  return stores.services.inNamespace(deployment.metadata.namespace ?? '').filter((service) => {
    // The canary's own Service is none of the user's.
    if (isOwn(service)) return false;
    if (settings.services !== undefined) return settings.services.includes(service.metadata.name);
    const selector = Object.entries(restoreService(service).spec?.selector ?? {});
    return selector.length > 0 && selector.every(([name, value]) => labels[name] === value);
  });
};

const keptTemplates = (stores: Stores, uid: string): KeptTemplate[] =>
  stores.controllerRevisions.controlledBy(uid).flatMap((kept) => {
    const revision = labelsOf(kept)[REVISION_ANNOTATION];
    const template = kept.data?.spec?.template;
    const { name, uid: own = '' } = kept.metadata;
    return revision === undefined || template === undefined ? [] : [{ name, uid: own, revision, template }];
  });

/** Deployments, ReplicaSets and pods that belong to the Deployment, by UID: names may have been used before. */
const belongings = (stores: Stores, uid: string) => {
  const podsOf = (sets: ReplicaSet[]): Pod[] =>
    sets.flatMap((set) => stores.pods.controlledBy(set.metadata.uid ?? '-'));
  const replicaSets = stores.replicaSets.controlledBy(uid);
  const canaryDeployment = stores.deployments.controlledBy(uid)[0];
  const canarySets = stores.replicaSets.controlledBy(canaryDeployment?.metadata.uid ?? '-');
  return {
    replicaSets,
    primaryPods: podsOf(replicaSets),
    canaryDeployment,
    canaryPods: podsOf(canarySets),
    kept: keptTemplates(stores, uid),
  };
};

/** The plain name of the canary Deployment, when a foreign object has it. */
const takenNames = (stores: Stores, key: ObjectKey, own: Deployment | undefined): string[] => {
  const { namespace, name } = splitKey(key);
  const plain = canaryNameOf(name);
  const holder = stores.deployments.get(`${namespace}/${plain}`);
  return holder === undefined || holder.metadata.uid === own?.metadata.uid ? [] : [plain];
};

export const namespaceAt = (stores: Stores, name: string): Namespace =>
  stores.namespaces.get(`/${name}`) ?? { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };

const isOwnedBy = (canary: Canary | undefined, uid: string): canary is Canary =>
  canary?.metadata.ownerReferences?.some((reference) => reference.uid === uid) === true;

/** Gathers everything `plan` needs about one Deployment, from caches only: no call goes out. */
export const gatherSnapshot = (sources: SnapshotSources, key: ObjectKey): Gathered => {
  const { stores, operator } = sources;
  const { namespace: namespaceName, name } = splitKey(key);
  const deployment = stores.deployments.get(key);
  const namespace = namespaceAt(stores, namespaceName);
  const settings = settingsFor(stores, deployment, namespace);
  const services = servicesOf(stores, deployment, settings);
  const router = sources.routerFor({ key, settings, namespace, services });
  const owner = deployment === undefined ? undefined : ownerReferenceTo(deployment);
  const podLabels = deployment?.spec.template.metadata?.labels ?? {};
  const addressed = settings.iterations !== undefined && settings.iterations.match === undefined;
  const target: TrafficTarget = { key, owner, services, podLabels, addressed };

  const uid = deployment?.metadata.uid ?? '-';
  const owned = belongings(stores, uid);
  const latest = sources.latestCanary(key);
  const canary = isOwnedBy(latest, uid) ? latest : undefined;
  const revision = canary?.status?.run?.revision;
  const canaryName = owned.canaryDeployment?.metadata.name ?? canaryNameOf(name);
  const slices = stores.endpointSlices.inNamespace(namespaceName);
  const traffic = router.read(target);
  const sides = services.map(({ metadata }) => ({
    name: metadata.name,
    canary: traffic.canaryServices?.[metadata.name],
  }));

  const snapshot: Snapshot = {
    key,
    deployment,
    optedIn: deployment !== undefined && isOptedIn(deployment, namespace),
    settings,
    injection: injectionFor(settings, namespace),
    canary,
    ...owned,
    takenNames: takenNames(stores, key, owned.canaryDeployment),
    disruptionBudgets: stores.disruptionBudgets.inNamespace(namespaceName),
    traffic,
    endpoints: endpointsOf(slices, sides, (podKey) => stores.pods.get(podKey), revision),
    evidence: evidenceOfRun(sources.evidenceOf(key), canaryName, owned.canaryPods, revision),
    customReadings: sources.customReadingsOf(key),
    callAnswers: sources.callAnswersOf(key),
    command: canary === undefined ? undefined : annotationsOf(canary)[COMMAND_ANNOTATION],
    operator,
  };
  return { snapshot, router, target };
};
