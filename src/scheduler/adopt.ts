import { inject } from '../core/injection.ts';
import type { Deployment, Pod, PodTemplate, ReplicaSet, StringMap } from '../core/objects.ts';
import { labelsOf } from '../core/objects.ts';
import type { Injection } from '../core/snapshot.ts';
import type { Reader, Writer } from '../kube/api.ts';
import { isNotFound } from '../kube/errors.ts';

// Adoption: the primary's pods from before the opt-in get what admission injects, without a restart. All injected
// keys go into the ReplicaSet's template (copying only some would restart pods at a revert), the labels also onto
// the pods.

export interface AdoptPorts {
  reader: Reader;
  writer: Writer;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

// The ReplicaSet controller needs a moment to see its new template; pods it makes until then lack the labels.
const POLL_MS = 100;
const MAX_POLLS = 50;

const missing = (wanted: StringMap, have: StringMap): StringMap =>
  Object.fromEntries(Object.entries(wanted).filter(([key]) => !(key in have)));

const injected = (
  template: PodTemplate,
  injection: Injection,
): { labels: StringMap; annotations: StringMap } => {
  const wanted = inject(template, injection).metadata ?? {};
  return {
    labels: missing(wanted.labels ?? {}, template.metadata?.labels ?? {}),
    annotations: missing(wanted.annotations ?? {}, template.metadata?.annotations ?? {}),
  };
};

const isEmpty = (map: StringMap): boolean => Object.keys(map).length === 0;

const refOf = (kind: 'ReplicaSet' | 'Deployment' | 'Pod', namespace: string, name: string) => ({
  kind,
  namespace,
  name,
});

const patchTemplate = async (
  { writer }: AdoptPorts,
  kind: 'ReplicaSet' | 'Deployment',
  object: ReplicaSet | Deployment,
  options: { injection: Injection; signal: AbortSignal },
): Promise<void> => {
  const { labels, annotations } = injected(object.spec.template, options.injection);
  if (isEmpty(labels) && isEmpty(annotations)) return;
  // Released meanwhile, a Deployment would take what is added to its template for a new one, and restart every pod.
  const { resourceVersion } = object.metadata;
  const guard = kind === 'Deployment' ? { metadata: { resourceVersion } } : {};
  const body = { ...guard, spec: { template: { metadata: { labels, annotations } } } };
  const ref = refOf(kind, object.metadata.namespace ?? '', object.metadata.name);
  await writer.mergePatch(ref, body, { signal: options.signal });
};

/** Resolves once the ReplicaSet's controller has seen its template: pods it makes from then on carry the labels. */
const observed = async (
  { reader, sleep }: AdoptPorts,
  set: ReplicaSet,
  signal: AbortSignal,
): Promise<void> => {
  const ref = refOf('ReplicaSet', set.metadata.namespace ?? '', set.metadata.name);
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    const live = await reader.get<ReplicaSet>(ref, { signal });
    if ((live.status?.observedGeneration ?? 0) >= (live.metadata.generation ?? 0)) return;
    await sleep(POLL_MS, signal);
  }
};

const selectorOf = (set: ReplicaSet): string =>
  Object.entries(set.spec.selector.matchLabels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

const labelPod = async ({ writer }: AdoptPorts, pod: Pod, labels: StringMap, signal: AbortSignal) => {
  const { name, namespace = '' } = pod.metadata;
  try {
    await writer.mergePatch(refOf('Pod', namespace, name), { metadata: { labels } }, { signal });
  } catch (error) {
    // Pods come and go while the others are labelled: the next round lists those that are there.
    if (!isNotFound(error)) throw error;
  }
};

/** Labels every pod of the set that lacks one, listed anew until none does. */
const labelPods = async (
  ports: AdoptPorts,
  set: ReplicaSet,
  options: { injection: Injection; signal: AbortSignal },
) => {
  const { signal } = options;
  const namespace = set.metadata.namespace ?? '';
  const wanted = inject(set.spec.template, options.injection).metadata?.labels ?? {};
  for (let round = 0; round < MAX_POLLS; round += 1) {
    const pods = await ports.reader.list<Pod>('Pod', { namespace, labelSelector: selectorOf(set), signal });
    const lacking = pods.filter(
      (pod) =>
        pod.metadata.ownerReferences?.some((owner) => owner.uid === set.metadata.uid) === true &&
        !isEmpty(missing(wanted, labelsOf(pod))),
    );
    if (lacking.length === 0) return;
    for (const pod of lacking) {
      await labelPod(ports, pod, missing(wanted, labelsOf(pod)), signal);
    }
  }
};

/** Adopts the pods of a ReplicaSet, and its Deployment's template where one is given; nothing restarts. Idempotent. */
export const adopt = async (
  ports: AdoptPorts,
  at: {
    deployment: Deployment | undefined;
    replicaSet: ReplicaSet;
    injection: Injection;
    signal: AbortSignal;
  },
): Promise<void> => {
  await patchTemplate(ports, 'ReplicaSet', at.replicaSet, at);
  await observed(ports, at.replicaSet, at.signal);
  await labelPods(ports, at.replicaSet, at);
  // The Deployment's own template comes last: equal to the ReplicaSet's, a revert finds that set and keeps its pods.
  if (at.deployment !== undefined) await patchTemplate(ports, 'Deployment', at.deployment, at);
};
