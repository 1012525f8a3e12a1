import { controllerOf, type EndpointSlice, labelsOf, type ObjectKey, type Pod } from './objects.ts';
import type { TrafficLimit } from './run.ts';

// A Service may select the pods of more than one workload. Split by version, all others would lose their traffic.

const SERVICE_NAME = 'kubernetes.io/service-name';

export interface ServedPods {
  namespace: string;
  /** Of the namespace. */
  slices: readonly EndpointSlice[];
  podOf: (key: ObjectKey) => Pod | undefined;
  /** UIDs of the ReplicaSets of the Deployment and of its canary. */
  replicaSets: ReadonlySet<string>;
}

/** Pods behind the Service's ready endpoints; those that the cache does not have yet are nobody's. */
const podsBehind = (service: string, { namespace, slices, podOf }: ServedPods): Pod[] =>
  slices
    .filter((slice) => labelsOf(slice)[SERVICE_NAME] === service)
    .flatMap((slice) => slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ targetRef }) => podOf(`${namespace}/${targetRef?.name ?? ''}`) ?? []);

const ownerOf = (pod: Pod): string => {
  const owner = controllerOf(pod);
  return owner === undefined ? `pod ${pod.metadata.name}` : `pods of ${owner.kind} ${owner.name}`;
};

/** The first of the Services that serves another workload too. */
export const sharedServiceAmong = (
  services: readonly string[],
  served: ServedPods,
): TrafficLimit | undefined => {
  for (const service of [...services].sort()) {
    const strangers = podsBehind(service, served)
      .filter((pod) => !served.replicaSets.has(controllerOf(pod)?.uid ?? ''))
      .map(ownerOf)
      .sort();
    if (strangers[0] !== undefined)
      return { reason: 'SharedService', message: `Service ${service} also selects ${strangers[0]}` };
  }
  return undefined;
};
